"""The Milvus collection with the item codes of a release: either complete or absent.

Its name is made from the release's id. It is written under a temporary name and renamed at the end,
so a collection with the name of a release is always complete. Its properties describe its contents.
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

_UNFINISHED_PREFIX: Final = f"{PREFIX}making_"
_BATCH: Final = 20_000
# Seconds after which an unfinished collection counts as left behind by a dead writer.
_ABANDONED_AFTER: Final = 24 * 3600.0


class CodesFingerprint(NamedTuple):
    """Identifies the item codes of a release.

    Attributes:
        sha256: of the codes, in hexadecimal.
        items: number of codes.
        bits: code length.
    """

    sha256: str
    items: int
    bits: int


@dataclass(frozen=True)
class CollectionInfo:
    """The contents of a collection, and how to search it.

    Attributes:
        fingerprint: of the codes in it.
        nlist: number of lists of codes (BIN_IVF_FLAT); 0 if every code is compared (BIN_FLAT).
        nprobe: number of lists that a search compares, the nearest ones; 0 if ``nlist`` is 0.
    """

    fingerprint: CodesFingerprint
    nlist: int = 0
    nprobe: int = 0

    def to_properties(self) -> dict[str, str]:
        """Return the properties of the collection in Milvus."""
        sha256, items, bits = self.fingerprint
        values = {
            "codes": sha256,
            "items": items,
            "bits": bits,
            "nlist": self.nlist,
            "nprobe": self.nprobe,
        }
        return {f"{PREFIX}{name}": str(value) for name, value in values.items()}

    @classmethod
    def from_properties(cls, properties: dict[str, str]) -> CollectionInfo | None:
        """Parse the properties of a collection; None unless they are complete and valid."""
        try:
            items, bits, nlist, nprobe = (
                int(properties[f"{PREFIX}{name}"]) for name in ("items", "bits", "nlist", "nprobe")
            )
            fingerprint = CodesFingerprint(properties[f"{PREFIX}codes"], items, bits)
            return cls(fingerprint, nlist, nprobe)
        except (KeyError, ValueError):
            return None


def search_params(nprobe: int) -> dict[str, Any]:
    """Return Milvus's parameters of a search in ``nprobe`` lists; 0 if there are no lists."""
    return {"metric_type": METRIC, "params": {"nprobe": nprobe} if nprobe else {}}


def collection_name(release_id: str) -> str:
    """Return the name of a release's collection; Milvus allows letters, digits and _."""
    return PREFIX + release_id.replace("-", "_")


def write_collection(
    server: MilvusServer,
    name: str,
    codes: NDArray[np.uint8],
    info: CollectionInfo,
    tune: Callable[[str], CollectionInfo] | None = None,
) -> CollectionInfo:
    """Write a collection of item codes, ready to be searched. On an error nothing is left behind.

    Args:
        server: the server to write to.
        name: name of the collection.
        codes: uint8 (n, bits/8).
        info: the properties of the collection.
        tune: returns the properties to store instead of ``info``; its argument is the temporary
            name, under which the collection can be searched already.

    Returns:
        The properties that were stored.

    Raises:
        SearchError: there are no codes.
        SearchUnavailableError: the server failed.
    """
    if not len(codes):
        raise SearchError("a catalogue without items cannot be written to Milvus")
    unfinished = _UNFINISHED_PREFIX + secrets.token_hex(8)

    def write(client: MilvusClient, timeout: float) -> CollectionInfo:
        try:
            _create(client, unfinished, info, timeout)
            for start in range(0, len(codes), _BATCH):
                rows = [
                    {ROW: row, CODE: code.tobytes()}
                    for row, code in enumerate(codes[start : start + _BATCH], start)
                ]
                client.insert(unfinished, rows, timeout=timeout)
            client.flush(unfinished, timeout=timeout)
            _create_index(client, unfinished, info, timeout)
            client.load_collection(unfinished, timeout=timeout)
            _check_count(client, unfinished, len(codes), timeout)
            stored = info if tune is None else tune(unfinished)
            client.alter_collection_properties(unfinished, stored.to_properties(), timeout=timeout)
            client.rename_collection(unfinished, name, timeout=timeout)
            return stored
        except Exception:
            client.drop_collection(unfinished, timeout=timeout)
            raise

    return server.run(write)


def read_info(server: MilvusServer, name: str) -> CollectionInfo | None:
    """Return the contents of a collection; None unless it exists and was written by Bitrecall.

    Raises:
        SearchUnavailableError: the server failed.
    """

    def describe(client: MilvusClient, timeout: float) -> dict[str, str] | None:
        if not client.has_collection(name, timeout=timeout):
            return None
        properties: dict[str, str] = client.describe_collection(name, timeout=timeout)["properties"]
        return properties

    properties = server.search(describe)
    return None if properties is None else CollectionInfo.from_properties(properties)


def drop_other_collections(server: MilvusServer, names: set[str]) -> list[str]:
    """Drop Bitrecall's collections that are not in ``names``, and return the dropped names.

    Unfinished collections are dropped once they are a day old: their writer is dead.

    Raises:
        SearchUnavailableError: the server failed.
    """

    def drop(client: MilvusClient, timeout: float) -> list[str]:
        dropped = []
        for name in client.list_collections(timeout=timeout):
            if not name.startswith(PREFIX) or name in names:
                continue
            if name.startswith(_UNFINISHED_PREFIX) and not _is_abandoned(client, name, timeout):
                continue
            client.drop_collection(name, timeout=timeout)
            dropped.append(name)
        return dropped

    return server.run(drop)


def _create(client: MilvusClient, name: str, info: CollectionInfo, timeout: float) -> None:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field(ROW, DataType.INT64, is_primary=True)
    schema.add_field(CODE, DataType.BINARY_VECTOR, dim=info.fingerprint.bits)
    client.create_collection(name, schema=schema, timeout=timeout)


def _create_index(client: MilvusClient, name: str, info: CollectionInfo, timeout: float) -> None:
    index = client.prepare_index_params()
    index.add_index(
        CODE,
        index_type="BIN_IVF_FLAT" if info.nlist else "BIN_FLAT",
        metric_type=METRIC,
        params={"nlist": info.nlist} if info.nlist else {},
    )
    client.create_index(name, index, timeout=timeout)


def _check_count(client: MilvusClient, name: str, items: int, timeout: float) -> None:
    count = client.query(
        name, output_fields=["count(*)"], consistency_level="Strong", timeout=timeout
    )[0]["count(*)"]
    if count != items:
        raise SearchUnavailableError(f"Milvus stored {count} of {items} codes")


def _is_abandoned(client: MilvusClient, name: str, timeout: float) -> bool:
    # The upper bits of Milvus's timestamps are milliseconds since 1970.
    created_ms = client.describe_collection(name, timeout=timeout)["created_timestamp"] >> 18
    return bool(time.time() - created_ms / 1000 > _ABANDONED_AFTER)
