"""Reading the Markdown tables that Bitrecall prints."""


def table_rows(table: str, *starts: str) -> list[list[str]]:
    """Return the cells of the rows that begin with ``starts``."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [row for row in rows if row[: len(starts)] == list(starts)]
