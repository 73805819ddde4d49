from pathlib import Path

from bitrecall.docs import reference

REFERENCE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_matches_the_commands():
    # If this fails: python -m bitrecall.docs > docs/cli.md
    assert REFERENCE.read_text() == reference()


def test_the_reference_has_every_command():
    text = reference()
    for command in (
        "train",
        "evaluate",
        "reproduce",
        "serve",
        "data describe",
        "release list",
        "release show",
        "release verify",
        "release activate",
        "release rollback",
        "release prune",
        "events migrate",
        "events count",
        "events forget",
        "key new",
        "key list",
        "key remove",
    ):
        assert f" bitrecall {command}\n" in text
        assert f"Usage: bitrecall {command} " in text


def test_the_reference_does_not_depend_on_the_terminal(monkeypatch):
    before = reference()
    monkeypatch.setenv("COLUMNS", "40")
    assert reference() == before
