"""The collection that holds a release's item codes: written whole, or not there.

Its name is the release's id. It is written under another name and renamed at the end, so that
whoever finds a collection of a release finds all of it. What it holds is said in its properties.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError, SearchUnavailableError
from bitrecall.index.search.milvus.server import MilvusServer

if TYPE_CHECKING:
    from pymilvus import MilvusClient

PREFIX: Final = "bitrecall_"
ROW: Final = "row"
CODE: Final = "code"
METRIC: Final = "HAMMING"

_MAKING: Final = f"{PREFIX}making_"
_BATCH: Final = 20_000
# Seconds after which a collection that is still being made is taken to be left behind.
_ABANDONED: Final = 24 * 3600.0


class Held(NamedTuple):
    """The sha256 of the item codes, how many there are, and their bits."""

    codes: str
    items: int
    bits: int


@dataclass(frozen=True)
class Facts:
    """What a collection holds, and how it is to be searched.

    ``nlist`` is 0 where every code is compared; else codes are in so many lists (BIN_IVF_FLAT), of
    which the nearest ``nprobe`` are searched.
    """

    held: Held
    nlist: int = 0
    nprobe: int = 0

    def to_properties(self) -> dict[str, str]:
        """Return them as Milvus keeps them."""
        said = {**self.held._asdict(), "nlist": self.nlist, "nprobe": self.nprobe}
        return {f"{PREFIX}{name}": str(value) for name, value in said.items()}

    @classmethod
    def from_properties(cls, properties: dict[str, str]) -> Facts | None:
        """Read them back; None where they are not all there."""
        try:
            items, bits, nlist, nprobe = (
                int(properties[f"{PREFIX}{name}"]) for name in ("items", "bits", "nlist", "nprobe")
            )
            return cls(Held(properties[f"{PREFIX}codes"], items, bits), nlist, nprobe)
        except (KeyError, ValueError):
            return None


def parameters_of(nprobe: int) -> dict[str, Any]:
    """Return what a search of so many lists has to say; 0 where there are none."""
    return {"metric_type": METRIC, "params": {"nprobe": nprobe} if nprobe else {}}


def collection_name(release_id: str) -> str:
    """Return the name of a release's collection; Milvus allows letters, digits and _."""
    return PREFIX + release_id.replace("-", "_")


def write_collection(
    server: MilvusServer,
    name: str,
    codes: NDArray[np.uint8],
    facts: Facts,
    tune: Callable[[str], Facts] | None = None,
) -> Facts:
    """Write the item codes, uint8 (n, bits/8), into the collection ``name``, ready to be searched.

    With ``tune`` what the collection says of itself is what that returns for the name under which
    it can be searched already. Returns what it says. Raises SearchUnavailableError where the server
    fails, and SearchError where there are no codes; the collection is not there then.
    """
    if not len(codes):
        raise SearchError("Milvus has no use for a catalogue without items")
    making = _MAKING + secrets.token_hex(8)

    def write(client: MilvusClient, seconds: float) -> Facts:
        try:
            _create(client, making, facts, seconds)
            for start in range(0, len(codes), _BATCH):
                rows = [
                    {ROW: row, CODE: code.tobytes()}
                    for row, code in enumerate(codes[start : start + _BATCH], start)
                ]
                client.insert(making, rows, timeout=seconds)
            client.flush(making, timeout=seconds)
            _index(client, making, facts, seconds)
            client.load_collection(making, timeout=seconds)
            _check_count(client, making, len(codes), seconds)
            said = facts if tune is None else tune(making)
            client.alter_collection_properties(making, said.to_properties(), timeout=seconds)
            client.rename_collection(making, name, timeout=seconds)
            return said
        except Exception:
            client.drop_collection(making, timeout=seconds)
            raise

    return server.work(write)


def read_facts(server: MilvusServer, name: str) -> Facts | None:
    """Return what the collection ``name`` holds; None where there is none, or it is none of ours.

    Raises SearchUnavailableError.
    """

    def describe(client: MilvusClient, seconds: float) -> dict[str, str] | None:
        if not client.has_collection(name, timeout=seconds):
            return None
        found: dict[str, str] = client.describe_collection(name, timeout=seconds)["properties"]
        return found

    properties = server.search(describe)
    return None if properties is None else Facts.from_properties(properties)


def drop_others(server: MilvusServer, names: set[str]) -> list[str]:
    """Drop every release's collection that is not in ``names``, and what dead writers left behind.

    Returns the names of those dropped. Raises SearchUnavailableError.
    """

    def drop(client: MilvusClient, seconds: float) -> list[str]:
        dropped = []
        for name in client.list_collections(timeout=seconds):
            if not name.startswith(PREFIX) or name in names:
                continue
            if name.startswith(_MAKING) and not _is_abandoned(client, name, seconds):
                continue
            client.drop_collection(name, timeout=seconds)
            dropped.append(name)
        return dropped

    return server.work(drop)


def _create(client: MilvusClient, name: str, facts: Facts, seconds: float) -> None:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field(ROW, DataType.INT64, is_primary=True)
    schema.add_field(CODE, DataType.BINARY_VECTOR, dim=facts.held.bits)
    client.create_collection(name, schema=schema, timeout=seconds)


def _index(client: MilvusClient, name: str, facts: Facts, seconds: float) -> None:
    index = client.prepare_index_params()
    index.add_index(
        CODE,
        index_type="BIN_IVF_FLAT" if facts.nlist else "BIN_FLAT",
        metric_type=METRIC,
        params={"nlist": facts.nlist} if facts.nlist else {},
    )
    client.create_index(name, index, timeout=seconds)


def _check_count(client: MilvusClient, name: str, items: int, seconds: float) -> None:
    found = client.query(
        name, output_fields=["count(*)"], consistency_level="Strong", timeout=seconds
    )[0]["count(*)"]
    if found != items:
        raise SearchUnavailableError(f"Milvus took {found} of {items} codes")


def _is_abandoned(client: MilvusClient, name: str, seconds: float) -> bool:
    # The upper bits of Milvus's timestamps are milliseconds since 1970.
    made = client.describe_collection(name, timeout=seconds)["created_timestamp"] >> 18
    return bool(time.time() - made / 1000 > _ABANDONED)
