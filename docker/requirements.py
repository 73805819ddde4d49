"""Print what some extras of the project require, a line each.

    python docker/requirements.py serve postgres

An image that installs these before it gets the code keeps that layer when only the code changes.
"""

import re
import sys
import tomllib
from pathlib import Path

_SELF = re.compile(r"bitrecall\[([\w,-]+)\]")


def requirements(project: dict, extras: list[str]) -> list[str]:
    """The project's own requirements and those of the extras, extras within extras unfolded."""
    found = list(project["dependencies"])
    for extra in extras:
        for wanted in project["optional-dependencies"][extra]:
            within = _SELF.fullmatch(wanted)
            found += requirements(project, within[1].split(",")) if within else [wanted]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    pyproject = Path(__file__).parent.parent / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    print("\n".join(requirements(project, sys.argv[1:])))
