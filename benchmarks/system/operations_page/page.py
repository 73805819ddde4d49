"""The command blocks of docs/operations.md."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class CommandBlock:
    """One indented block of the page."""

    section: str
    text: str


def command_blocks(page: str) -> Iterator[CommandBlock]:
    """Yield the indented blocks outside of fences, in order."""
    section, block, fenced = "", [], False
    for line in [*page.splitlines(), ""]:
        if line.startswith("    ") and not fenced:
            block.append(line[4:])
            continue
        if block:
            yield CommandBlock(section, "\n".join(block))
            block = []
        if line.startswith("```"):
            fenced = not fenced
        elif line.startswith("#"):
            section = line.lstrip("# ")
