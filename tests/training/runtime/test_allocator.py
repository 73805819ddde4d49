import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import resource, sys
from bitrecall.training.runtime.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(3):
    block = bytearray(64 * 2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    del block
    block = bytearray(64 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_keeps_freed_memory():
    def faults(choice: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, choice], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    # Ten blocks of 64 MiB have 163,840 pages of 4 KiB, unless the system gives larger ones.
    assert faults("keep") < faults("as it is") / 4
