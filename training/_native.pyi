from numpy import float32, int32, uint8
from numpy.typing import NDArray

def levels() -> dict[str, int]: ...
def count(
    users: NDArray[uint8],
    items: NDArray[uint8],
    width: int,
    bits: int,
    level: int,
    counts: NDArray[int32],
    /,
) -> None: ...
def look_up(
    users: NDArray[uint8],
    items: NDArray[uint8],
    width: int,
    bits: int,
    level: int,
    table: NDArray[float32],
    values: NDArray[float32],
    /,
) -> None: ...
