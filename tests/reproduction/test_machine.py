import json
import os
import platform
import re
import shutil

from bitrecall.reproduction.machine import code_version, machine


def test_the_machine_description_has_no_host_or_user_name(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    description = machine()
    assert description["cpu"]
    assert 1 <= description["cores"] <= os.cpu_count()
    assert description["threads"] == 3
    assert set(description) == {"cpu", "cores", "threads"}
    assert platform.node() not in json.dumps(description)


def test_threads_default_to_the_number_of_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert machine()["threads"] == machine()["cores"]


def test_the_code_version_includes_the_commit_in_a_checkout(monkeypatch):
    assert re.fullmatch(r"\d+\.\d+\.\d+(\+g[0-9a-f]{7,}(\.dirty)?)?", code_version())
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert re.fullmatch(r"\d+\.\d+\.\d+", code_version())
