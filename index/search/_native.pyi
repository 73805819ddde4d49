from collections.abc import Sequence

from numpy import bool_, int32, int64, uint8, uint64
from numpy.typing import NDArray
from typing_extensions import Buffer

def levels() -> dict[str, int]: ...
def nearest(
    codes: NDArray[uint8] | NDArray[uint64],
    queries: NDArray[uint8],
    allowed: NDArray[bool_] | None,
    distances: NDArray[int32],
    rows: NDArray[int64],
    excluded: Sequence[NDArray[int64]] | None,
    items: int,
    width: int,
    blocks: bool,
    level: int,
    /,
) -> None: ...
def place_of(text: Buffer, offsets: Buffer, order: Buffer, wanted: bytes, /) -> int: ...
def ids_of(text: Buffer, offsets: Buffer, order: Buffer, rows: Buffer, /) -> list[str]: ...
def signs(values: Buffer, /) -> bytes: ...
def items_json(ids: list[str], distances: list[int], bits: int, /) -> bytes: ...
