"""The manifest of a release: its identity, its origin, and its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any, Self

from bitrecall.index.errors import ReleaseContentsError, ReleaseDamagedError, ReleaseVersionError
from bitrecall.index.releases.canonical_json import dump, parse, sha256_of_fields
from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.json_checks import Checks
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.repeats import Repeats

FORMAT = "bitrecall-release"
FORMAT_VERSION = 8

Metrics = Mapping[str, float | int | str]


@dataclass(frozen=True)
class FileEntry:
    """A file of a release: its size in bytes, its sha256, and for npy its dtype and shape."""

    size: int
    sha256: str
    dtype: str | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Manifest:
    """The manifest; ``docs/release-format.md`` describes each field."""

    id: str
    parent: str | None
    created_at: str
    data: DataFingerprint
    recipe: Mapping[str, Any]
    code_version: str
    metrics: Metrics
    bits: int
    users: int
    items: int
    seen: int
    backend: str
    backend_parameters: Mapping[str, int]
    backend_recall: float | None
    attributes: Mapping[str, tuple[str, ...]]
    files: Mapping[str, FileEntry]
    recency: Recency | None = None
    repeats: Repeats | None = None
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """Return the manifest as JSON, with its own sha256. Raises ReleaseContentsError.

        The text is canonical: sorted keys, an indent of two spaces, Unicode not escaped, a newline
        at the end. NaN, infinity and Python objects are rejected.
        """
        fields = self._fields()
        return dump(fields | {"sha256": sha256_of_fields(fields)}, indent=2) + "\n"

    def with_metrics(self, metrics: Metrics) -> Self:
        """Return the same manifest, with the same id, and other metrics.

        Args:
            metrics: numbers (no NaN, no infinity) or short texts, by name.

        Raises:
            ReleaseContentsError: a metric is neither.
        """
        for name, value in metrics.items():
            plain = isinstance(value, int | float | str) and not isinstance(value, bool)
            if not isinstance(name, str) or not plain:
                raise ReleaseContentsError(
                    f"metric {name!r} must be a number or a text, not {value!r} "
                    f"({type(value).__name__})"
                )
        return replace(self, metrics=dict(metrics))

    def content_hash(self) -> str:
        """Return the hash in the release id: eight hex digits, of the contents without metrics."""
        fields = self._fields()
        return sha256_of_fields({name: fields[name] for name in _HASHED})[:8]

    @classmethod
    def from_json(cls, text: str, path: Path) -> Self:
        """Read a manifest from JSON.

        Args:
            text: as returned by ``to_json``.
            path: the file, for error messages.

        Raises:
            ReleaseVersionError: another format version.
            ReleaseDamagedError: invalid JSON, a missing or unknown field, a value of a wrong type,
                or a sha256 that does not match.
        """
        try:
            fields = parse(text)
        except (ValueError, RecursionError) as error:
            raise ReleaseDamagedError(f"is not JSON: {error}", path) from error
        checks = Checks(path)
        manifest = checks.mapping(fields, "the manifest")
        if manifest.get("format") != FORMAT:
            raise ReleaseDamagedError(f"is not a manifest of the format {FORMAT}", path)
        version = checks.integer(manifest.get("format_version"), "format_version")
        if version != FORMAT_VERSION:
            raise ReleaseVersionError(
                f"has format version {version}; this Bitrecall reads version {FORMAT_VERSION}: "
                "use the version of Bitrecall that wrote it, or train again",
                path,
            )
        sha256 = manifest.pop("sha256", None)
        try:
            matches = sha256 == sha256_of_fields(manifest)
        except (ReleaseContentsError, UnicodeEncodeError) as error:
            raise ReleaseDamagedError(
                f"contains text that is not valid Unicode: {error}", path
            ) from error
        if not matches:
            raise ReleaseDamagedError("was altered: its own sha256 does not match", path)
        return cls._from_fields(manifest, checks)

    @classmethod
    def _from_fields(cls, fields: dict[str, Any], checks: Checks) -> Self:
        checks.keys(fields, _FIELDS, "the manifest")
        counts = checks.mapping(fields["counts"], "counts")
        checks.keys(counts, {"users", "items", "seen"}, "counts")
        backend = checks.mapping(fields["backend"], "backend")
        checks.keys(backend, {"name", "parameters", "recall"}, "backend")
        parameters = checks.mapping(backend["parameters"], "backend.parameters")
        files = checks.mapping(fields["files"], "files")
        attributes = checks.mapping(fields["attributes"], "attributes")
        checks.keys(attributes, {"numbers", "texts"}, "attributes")
        return cls(
            id=checks.release_id(fields["id"], "id"),
            parent=checks.optional_release_id(fields["parent"], "parent"),
            created_at=checks.instant(fields["created_at"], "created_at"),
            data=DataFingerprint.from_fields(checks.mapping(fields["data"], "data"), checks),
            recipe=checks.mapping(fields["recipe"], "recipe"),
            code_version=checks.text(fields["code_version"], "code_version"),
            metrics=checks.metrics(fields["metrics"], "metrics"),
            bits=checks.integer(fields["bits"], "bits"),
            users=checks.integer(counts["users"], "counts.users"),
            items=checks.integer(counts["items"], "counts.items"),
            seen=checks.integer(counts["seen"], "counts.seen"),
            backend=checks.text(backend["name"], "backend.name"),
            backend_parameters={
                name: checks.integer(value, f"backend.parameters.{name}")
                for name, value in parameters.items()
            },
            backend_recall=checks.optional_share(backend["recall"], "backend.recall"),
            attributes={
                kind: checks.texts(names, f"attributes.{kind}")
                for kind, names in attributes.items()
            },
            files={name: _file(name, entry, checks) for name, entry in files.items()},
            recency=_recency(fields["recency"], checks),
            repeats=_repeats(fields["repeats"], checks),
        )

    def _fields(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "format_version": self.format_version,
            "id": self.id,
            "parent": self.parent,
            "created_at": self.created_at,
            "data": asdict(self.data),
            "recipe": dict(self.recipe),
            "code_version": self.code_version,
            "metrics": dict(self.metrics),
            "bits": self.bits,
            "counts": {"users": self.users, "items": self.items, "seen": self.seen},
            "backend": {
                "name": self.backend,
                "parameters": dict(self.backend_parameters),
                "recall": self.backend_recall,
            },
            "attributes": {kind: list(names) for kind, names in self.attributes.items()},
            "files": {name: asdict(entry) for name, entry in self.files.items()},
            "recency": None if self.recency is None else asdict(self.recency),
            "repeats": None if self.repeats is None else asdict(self.repeats),
        }


_FIELDS = {
    *("format", "format_version", "id", "parent", "created_at", "data", "recipe", "code_version"),
    *("metrics", "bits", "counts", "backend", "attributes", "files", "recency", "repeats"),
}

# The fields that the content hash covers.
_HASHED = sorted(_FIELDS - {"format", "format_version", "id", "parent", "metrics", "counts"})


def _file(name: str, value: Any, checks: Checks) -> FileEntry:
    fields = checks.mapping(value, f"files.{name}")
    checks.keys(fields, {"size", "sha256", "dtype", "shape"}, f"files.{name}")
    shape = fields["shape"]
    return FileEntry(
        size=checks.integer(fields["size"], f"files.{name}.size"),
        sha256=checks.digest(fields["sha256"], f"files.{name}.sha256"),
        dtype=checks.optional_text(fields["dtype"], f"files.{name}.dtype"),
        shape=None if shape is None else checks.shape(shape, f"files.{name}.shape"),
    )


def _recency(value: Any, checks: Checks) -> Recency | None:
    if value is None:
        return None
    fields = checks.mapping(value, "recency")
    checks.keys(fields, set(asdict(Recency())), "recency")
    recency = Recency(**fields)
    if fault := recency.fault():
        raise ReleaseDamagedError(f"recency: {fault}", checks.path)
    return recency


def _repeats(value: Any, checks: Checks) -> Repeats | None:
    if value is None:
        return None
    fields = checks.mapping(value, "repeats")
    checks.keys(fields, {field.name for field in dataclass_fields(Repeats)}, "repeats")
    for name, value in fields.items():
        if name != "decay" and not isinstance(value, list):
            raise ReleaseDamagedError(f"repeats: {name} is not a list", checks.path)
    repeats = Repeats.from_fields(fields)
    if fault := repeats.fault():
        raise ReleaseDamagedError(f"repeats: {fault}", checks.path)
    return repeats
