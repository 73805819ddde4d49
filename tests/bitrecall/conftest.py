import numpy as np
import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall
from bitrecall.index.releases.data_fingerprint import DataFingerprint
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import pack_signs


@pytest.fixture
def root(tmp_path):
    return tmp_path / "releases"


@pytest.fixture
def run(root):
    """Return a function that runs a command on the store of the test."""

    def run(*arguments, store=root):
        return CliRunner().invoke(bitrecall, [*arguments, "--releases", str(store)])

    return run


@pytest.fixture
def publish(root):
    """Return a function that publishes a release of two users and four items."""

    def publish(seed=0, metrics=None, activate=True):
        embeddings = np.where(np.arange(8) < np.array([0, 1, 4, 8])[:, None], -1.0, 1.0)
        users = np.array([[1.0] * 8, [-1.0] * 8], np.float32) * (1 + seed)
        first, last = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
        fingerprint = DataFingerprint("ab" * 32, 2, 4, 2, first, last)
        contents = ReleaseContents(
            item_codes=pack_signs(embeddings),
            user_embeddings=users,
            fold_in_messages=np.zeros((4, 8), np.float32),
            seen=RowLists.from_lists([[0], [3]]),
            user_ids=["anna", "ben, the elder"],
            item_ids=["bread", "milk", "tea", "salt"],
            popularity=np.array([9, 5, 4, 1]),
            data=fingerprint,
            recipe={"fit": {"seed": seed}},
            code_version="0.1.0",
        )
        measured = {} if metrics is None else metrics
        return ReleaseStore(root).publish(contents, measure=lambda _: measured, activate=activate)

    return publish


@pytest.fixture
def damage():
    """Return a function that changes one byte of a release, but no file size."""

    def damage(release):
        path = release.path / "user_embeddings.npy"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.chmod(0o644)
        path.write_bytes(content)
        return path.name

    return damage
