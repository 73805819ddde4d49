"""Changes to stores of releases."""

from bitrecall.index.releases.store import ReleaseStore


def damage(store: ReleaseStore, release_id: str) -> None:
    """Flip a bit of a release."""
    path = store.root / release_id / "item_codes.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def folders(store: ReleaseStore) -> set[str]:
    """Return the names of the folders in a store."""
    return {path.name for path in store.root.iterdir() if path.is_dir()}
