"""The example request that the service logs when it starts."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bitrecall.service.auth.keyring import Role, add_key
from tests.tools.service_process import Start, line_with

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("keyed", [False, True])
def test_the_example_request_works_as_printed(start: Start, tmp_path: Path, keyed: bool) -> None:
    keys = tmp_path / "keys.txt"
    key = add_key(keys, Role.RECOMMEND, "shop")
    process = start(keys=str(keys)) if keyed else start()
    command = line_with(process, "an example request: ").partition("an example request: ")[2]
    answer = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "KEY": key},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert json.loads(answer.stdout)["source"] == "codes"
