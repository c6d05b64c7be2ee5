"""What a person reads when a store or a disk ended the work: one line, without passwords."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from harness.core.errors import HarnessError, TakenOverError
from harness.core.schema import INTERRUPTED
from harness.tracking.stores.urls import hide_passwords


def stopped(error: Exception) -> HarnessError | None:
    """What to say of an outage that ended a session; None if ``error`` is something else."""
    if isinstance(error, HarnessError) or not is_outage(error):
        return None
    text = str(getattr(error.__cause__, "orig", None) or error)
    reason = hide_passwords((text.splitlines() or [""])[0])
    return HarnessError(
        f"stopped: {type(error).__name__}: {reason}; once that is mended, the same command goes on"
    )


_LONGEST_REASON = 300


def failure_reason(error: BaseException) -> str:
    """A short reason, one line, for tag ``failure``: why ``error`` ended a trial.

    A trial that an outage ended is interrupted: it does not count, and is run again.
    """
    if isinstance(error, TakenOverError) or is_outage(error):
        return INTERRUPTED
    text = (str(error).strip().splitlines() or [""])[0]
    if not isinstance(error, HarnessError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text[:_LONGEST_REASON]


def is_outage(error: BaseException | None) -> bool:
    """Whether a person, a disk or a database ended the work: it says nothing of the trial."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt | OSError | SQLAlchemyError):
            return True
        error = error.__cause__ or error.__context__
    return False
