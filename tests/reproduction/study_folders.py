"""Parts of the plan of the tests, and the folders of their runs."""

TABLE = "gowalla/proposed"
BETA = "gowalla/study/beta"


def folders(tmp_path, part):
    """Return the folders of the runs of a part, in order."""
    return sorted((tmp_path / "runs" / part).iterdir())
