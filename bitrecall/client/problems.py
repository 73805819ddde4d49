"""Convert problem documents (RFC 9457) to exceptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bitrecall.client.errors import NotPermittedError, ProblemError, ServiceBusyError
from bitrecall.errors import ArgumentError, BitrecallError
from bitrecall.index.errors import (
    FilterError,
    NoReleaseError,
    SearchUnavailableError,
    UnknownItemError,
)

__all__ = ["error_of"]


def error_of(status: int, content: bytes) -> BitrecallError:
    """Return the exception for an error response."""
    problem = _document(content)
    detail = str(problem.get("detail") or problem.get("title") or "")
    match str(problem.get("type", "")).rpartition("/")[2]:
        case "unknown-item":
            return UnknownItemError(detail)
        case "filter-mismatch":
            # ``detail`` also has the JSON pointer, and ``Model`` raises the error without it.
            reason = str(_first_error(problem).get("detail") or detail)
            return FilterError(reason, _names(problem)[-1])
        case "invalid-request":
            names = _names(problem)
            if names[0] == "filter":
                return FilterError(detail, "")
            return ArgumentError(detail, names[0])
        case "not-ready":
            return NoReleaseError(detail)
        case "search-unavailable":
            return SearchUnavailableError(detail)
        case "too-busy":
            return ServiceBusyError(detail)
        case "unauthorized":
            return NotPermittedError(f"{detail} (key=…)")
        case "forbidden":
            return NotPermittedError(detail)
        case "":
            start = content[:200].decode(errors="replace")
            return ProblemError(
                f"status {status}, which is not a response of Bitrecall: {start!r}",
                status,
                {},
            )
    return ProblemError(detail, status, problem)


def _document(content: bytes) -> Mapping[str, Any]:
    try:
        problem = json.loads(content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _names(problem: Mapping[str, Any]) -> list[str]:
    """Return the names in the JSON pointer of the first error; never empty."""
    pointer = str(_first_error(problem).get("pointer", "")).removeprefix("/")
    return [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")]


def _first_error(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    errors: list[Mapping[str, Any]] = problem.get("errors") or [{}]
    return errors[0]
