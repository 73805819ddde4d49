from pathlib import Path

import pytest

from bitrecall.events.engine import make_engine
from bitrecall.events.errors import EventsError


def test_reads_the_password_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(" s3cret/ü@\n")
    engine = make_engine(f"postgresql://somebody@127.0.0.1/events?password_file={path}")
    assert (engine.url.password, dict(engine.url.query)) == ("s3cret/ü@", {})
    with pytest.raises(EventsError, match=r"password file of the events database.*missing"):
        make_engine(f"postgresql://somebody@127.0.0.1/events?password_file={tmp_path}/missing")
