"""An interactive shell to paste commands into."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

PATIENCE = 900.0
PROMPT = "command-ended-"


class Shell:
    """An interactive bash on its own terminal."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.master, terminal = pty.openpty()
        attributes = termios.tcgetattr(terminal)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            cwd=folder,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            env={**environment, "PS1": f"{PROMPT}$?\n", "PS2": "", "TERM": "dumb"},
        )
        os.close(terminal)
        self._read_to_prompt(30)

    def run(self, text: str) -> tuple[int, str]:
        """Paste some text; return the exit status of the last command, and the output."""
        os.write(self.master, f"{text}\n".encode())
        return self._read_to_prompt(PATIENCE)

    def close(self) -> None:
        """Stop the shell."""
        self.process.terminate()
        os.close(self.master)
        self.process.wait()

    def _read_to_prompt(self, seconds: float) -> tuple[int, str]:
        printed = b""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if select.select([self.master], [], [], 1)[0]:
                printed += os.read(self.master, 65536)
                if match := re.search(rf"{PROMPT}(\d+)\r?\n\Z".encode(), printed):
                    return int(match[1]), printed[: match.start()].decode(errors="replace")
        sys.exit(f"no prompt within {seconds:.0f} s:\n{printed.decode(errors='replace')[-2000:]}")
