"""Rows of text in aligned columns."""

from collections.abc import Sequence


def aligned(titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> str:
    """Lay rows out under their titles, two spaces between columns.

    ``right`` has one character a column: ``>`` sets it to the right, anything else to the left,
    which is also the rule for columns beyond it.
    """
    lines = [titles, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    sides = right.ljust(len(titles), "<")
    return "\n".join(
        "  ".join(
            cell.rjust(width) if side == ">" else cell.ljust(width)
            for cell, width, side in zip(line, widths, sides, strict=True)
        ).rstrip()
        for line in lines
    )
