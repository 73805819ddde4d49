"""Print the requirements of some extras of the project, one per line.

    python docker/requirements.py serve postgres

An image that installs them before it copies the code keeps this layer if only the code changes.
"""

import re
import sys
import tomllib
from pathlib import Path

_SELF = re.compile(r"bitrecall\[([\w,-]+)\]")


def requirements(project: dict, extras: list[str]) -> list[str]:
    """The requirements of the project and of extras, with extras within extras expanded."""
    lines = list(project["dependencies"])
    for extra in extras:
        for requirement in project["optional-dependencies"][extra]:
            nested = _SELF.fullmatch(requirement)
            lines += requirements(project, nested[1].split(",")) if nested else [requirement]
    return list(dict.fromkeys(lines))


if __name__ == "__main__":
    pyproject = Path(__file__).parent.parent / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    print("\n".join(requirements(project, sys.argv[1:])))
