"""Text tables with aligned columns."""

from collections.abc import Sequence


def aligned(titles: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> str:
    """Format rows under their titles, with two spaces between columns.

    Args:
        titles: column titles.
        rows: cells of each row.
        right: one character per column: ``>`` aligns it right, any other one left. Columns after
            the last character are aligned left.
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
