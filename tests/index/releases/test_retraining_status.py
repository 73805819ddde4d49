from pathlib import Path

import pytest

from bitrecall.index.errors import NoReleaseError
from bitrecall.index.releases.retraining_status import NAME, RetrainingStatus

STATUS = RetrainingStatus(
    "2026-11-26T03:00:00Z", "2026-11-26T03:07:12Z", "refused", "so ⅓ worse", None
)


def test_reads_a_written_status(tmp_path: Path) -> None:
    STATUS.write(tmp_path)
    assert RetrainingStatus.read(tmp_path) == STATUS
    later = RetrainingStatus(
        "2026-11-27T03:00:00Z", "2026-11-27T03:05:00Z", "published", "", "an id"
    )
    later.write(tmp_path)
    assert RetrainingStatus.read(tmp_path) == later
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", NAME]


def test_rejects_writing_without_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NoReleaseError):
        STATUS.write(tmp_path / "missing")
    assert RetrainingStatus.read(tmp_path / "missing") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"outcome": "x"}', b"\xff", b"[" * 99999])
def test_reads_none_from_a_file_that_is_not_a_status(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert RetrainingStatus.read(tmp_path) is None


def test_reads_none_from_fields_of_another_type(tmp_path: Path) -> None:
    STATUS.write(tmp_path)
    path = tmp_path / NAME
    path.write_text(path.read_text().replace('"refused"', "7"))
    assert RetrainingStatus.read(tmp_path) is None
