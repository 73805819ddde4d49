"""The code blocks of docs/python.md and of the README run, and print what the pages show."""

import ast
import re
from pathlib import Path

import pytest

from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings
from tests.service.conftest import serving

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
README = Path(__file__).parents[2] / "README.md"
FIT = 'bitrecall.fit("sample", recipe="sample", releases="releases/sample")'
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def run(source, names):
    """Run a block as a notebook does, and return the value of its last expression.

    A comment that is a literal is the expected value of the expression before it.
    """
    value = None
    for statement in ast.parse(source).body:
        code = ast.unparse(statement)
        if not isinstance(statement, ast.Expr):
            exec(code, names)
            continue
        value = eval(code, names)
        line = source.splitlines()[statement.end_lineno - 1]
        if expected := re.search(r"  # ('.*'|True|False)$", line):
            assert repr(value) == expected[1], line
    return value


def outline(table):
    """Return the words of a printed table, with placeholders for items and numbers.

    The nearest items depend on the rounding of sums, and so on the processor and the threads.
    """
    lines = [re.sub(r"[a-z]+/.*?(?=  )", "ITEM", line) for line in table.rstrip().splitlines()]
    return [re.sub(r"\d+", "N", line).split() for line in lines]


@pytest.mark.slow
def test_page_and_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, shown = {}, None
    service = next(index for index, (_, text) in enumerate(BLOCKS) if "127.0.0.1:8000" in text)
    for kind, text in BLOCKS[:service]:
        if kind == "text":
            assert outline(repr(shown)) == outline(text)
        else:
            shown = run(text, names)
            fitted = names.setdefault("fitted", names["model"])
    settings = Settings(releases=Path("releases/sample"), events="sqlite:///events.db")
    with serving(create_app(settings)) as http:
        here = str(http.base_url).rstrip("/")
        for _, text in BLOCKS[service:]:
            run(text.replace("http://127.0.0.1:8000", here), names)
        # The README starts with the same training.
        (text,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
        assert text.count(FIT) == BLOCKS[0][1].count(FIT) == 1
        text = text.replace(FIT, "fitted").replace("http://127.0.0.1:8000", here)
        shown = {"fitted": fitted}
        run(text, shown)
        with shown["client"] as client:
            assert client.recommend("mateo-028") == fitted.recommend("mateo-028")


@pytest.mark.parametrize("source", [text for kind, text in BLOCKS if kind == "python"])
def test_code_lines_fit_the_page(source):
    assert max(map(len, source.splitlines())) <= 100
