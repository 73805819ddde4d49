"""Meanings of the exit codes of ``bitrecall retrain``."""

from typing import Final

from bitrecall.index.releases.retraining_status import EXIT_CODES, IN_PROGRESS, Outcome

INTERRUPTED: Final = 130
# Exit codes after which a run is not retried.
ENDS: Final = {code for outcome, code in EXIT_CODES.items() if outcome is not Outcome.FAILED}


def name_of(code: int) -> str:
    """The meaning of an exit code, in words."""
    if code < 0:
        return f"killed by signal {-code}"
    others = {IN_PROGRESS: "another run was under way", INTERRUPTED: "interrupted"}
    if code in others:
        return others[code]
    names = [str(outcome) for outcome, its in EXIT_CODES.items() if its == code]
    return " or ".join(names) or "unusable options"
