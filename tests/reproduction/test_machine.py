import json
import os
import platform
import re
import shutil

from bitrecall.reproduction.machine import code_version, machine


def test_the_machine_is_told_without_whose_it_is(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = machine()
    assert found["cpu"]
    assert 1 <= found["cores"] <= os.cpu_count()
    assert found["threads"] == 3
    assert set(found) == {"cpu", "cores", "threads"}
    assert platform.node() not in json.dumps(found)


def test_untold_threads_are_one_a_core(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert machine()["threads"] == machine()["cores"]


def test_the_code_is_told_with_its_commit_where_there_is_one(monkeypatch):
    assert re.fullmatch(r"\d+\.\d+\.\d+(\+g[0-9a-f]{7,}(\.dirty)?)?", code_version())
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert re.fullmatch(r"\d+\.\d+\.\d+", code_version())
