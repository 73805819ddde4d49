import subprocess
import sys

import pytest

from bitrecall.training.runtime.progress_bar import is_shown, progress_bar

KERNEL = """
import sys, types
ipython = types.ModuleType("IPython")
shell = types.SimpleNamespace(config={config})
ipython.get_ipython = lambda: shell
sys.modules["IPython"] = ipython
sys.modules["ipywidgets"] = None
import warnings
warnings.simplefilter("error")
from bitrecall.training.runtime.progress_bar import is_shown, progress_bar
with progress_bar(total=3, desc="here", unit=" steps", progress={progress}) as bar:
    bar.update(3)
print(is_shown({progress}))
"""


def in_ipython(config, progress):
    done = subprocess.run(
        [sys.executable, "-c", KERNEL.format(config=config, progress=progress)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1], done.stderr


def test_shows_a_bar_in_a_notebook_without_a_terminal():
    shown, bar = in_ipython({"IPKernelApp": {}}, None)
    assert shown == "True"
    assert "3/3" in bar


@pytest.mark.parametrize(
    ("config", "progress"), [({}, None), ({"IPKernelApp": {}}, False), ({}, False)]
)
def test_shows_no_bar_without_terminal_and_notebook_or_if_disabled(config, progress):
    assert in_ipython(config, progress) == ("False", "")


@pytest.mark.parametrize("terminal", [True, False])
def test_shows_a_bar_in_a_terminal(monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert is_shown(None) is terminal
    assert is_shown(True)
    assert not is_shown(False)


def test_a_bar_accepts_the_options_of_tqdm(capsys):
    with progress_bar(total=9, desc="a phase", unit=" steps", progress=True, initial=4) as bar:
        bar.update()
    assert "a phase:" in capsys.readouterr().err
    assert bar.n == 5
