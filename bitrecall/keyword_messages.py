"""Rewrite messages that name command-line options for callers in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bitrecall.errors import BitrecallError

__all__ = ["as_keywords", "errors_as_keywords"]

_FLAGS: Final = frozenset({"allow_implausible", "lines_in_order", "skip_bad_rows"})
_NAMES: Final = {"set": "overrides"}
_NEGATED: Final = {"ignore_times": "use_times=False"}
# An option and its value: a placeholder in capitals, quoted text, or text that cannot be an
# ordinary word of the sentence.
_OPTION: Final = re.compile(
    r"--(?P<name>[a-z][a-z-]*[a-z])(?: (?P<value>[A-Z][A-Z:=]*\b|'[^']*'|\"[^\"]*\""
    r"|(?:lightgcn|cpu|cuda|latest|random)\b|[a-z]\w*(?:[,=_:]\w+)+))?"
)


def as_keywords(message: str) -> str:
    """Rewrite options as keyword arguments: ``--user-column NAME`` as ``user_column=NAME``."""
    return _OPTION.sub(_keyword, message)


@contextmanager
def errors_as_keywords() -> Iterator[None]:
    """Rewrite the options in the messages of Bitrecall errors raised in the block."""
    try:
        yield
    except BitrecallError as error:
        if error.args and isinstance(error.args[0], str):
            error.args = (as_keywords(error.args[0]), *error.args[1:])
        raise


def _keyword(match: re.Match[str]) -> str:
    name, value = match["name"].replace("-", "_"), match["value"]
    name = _NAMES.get(name, name)
    if name in _NEGATED:
        return _NEGATED[name] + (f" {value}" if value else "")
    if name in _FLAGS:
        return f"{name}=True" + (f" {value}" if value else "")
    if value is None:
        return name
    is_literal = value.startswith(("'", '"')) or value.isupper()
    return f"{name}={value if is_literal else repr(value)}"
