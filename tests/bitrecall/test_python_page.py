"""The blocks of docs/python.md run in order and print what the page says; so does the README's."""

import ast
import re
from pathlib import Path

import pytest

from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings
from tests.service.conftest import serving

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
README = Path(__file__).parents[2] / "README.md"
FIT = 'bitrecall.fit("sample", recipe="sample", releases="releases")'
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def run(source, names):
    """Run a block as a notebook does; returns the value of its last expression.

    A comment that is a literal says what the expression before it gives.
    """
    value = None
    for statement in ast.parse(source).body:
        code = ast.unparse(statement)
        if not isinstance(statement, ast.Expr):
            exec(code, names)
            continue
        value = eval(code, names)
        line = source.splitlines()[statement.end_lineno - 1]
        if says := re.search(r"  # ('.*'|True|False)$", line):
            assert repr(value) == says[1], line
    return value


def outline(table):
    """A printed table without its items and numbers, and the columns that it has.

    Which items are nearest depends on the rounding of sums, and so on processor and threads.
    """
    lines = [re.sub(r"[a-z]+/.*?(?=  )", "ITEM", line) for line in table.rstrip().splitlines()]
    return [re.sub(r"\d+", "N", line).split() for line in lines]


@pytest.mark.slow
def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, shown = {}, None
    service = next(place for place, (_, text) in enumerate(BLOCKS) if "127.0.0.1:8000" in text)
    for kind, text in BLOCKS[:service]:
        if kind == "text":
            assert outline(repr(shown)) == outline(text)
        else:
            shown = run(text, names)
            fitted = names.setdefault("fitted", names["model"])
    settings = Settings(releases=Path("releases"), events="sqlite:///events.db")
    with serving(create_app(settings)) as http:
        here = str(http.base_url).rstrip("/")
        for _, text in BLOCKS[service:]:
            run(text.replace("http://127.0.0.1:8000", here), names)
        # The README begins with the same training.
        (text,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
        assert text.count(FIT) == BLOCKS[0][1].count(FIT) == 1
        text = text.replace(FIT, "fitted").replace("http://127.0.0.1:8000", here)
        shown = {"fitted": fitted}
        run(text, shown)
        with shown["client"] as client:
            assert client.recommend("mateo-028") == fitted.recommend("mateo-028")


@pytest.mark.parametrize("source", [text for kind, text in BLOCKS if kind == "python"])
def test_a_line_is_short_enough_for_the_page(source):
    assert max(map(len, source.splitlines())) <= 100
