"""Outages of a store or a disk: telling them from other errors, and one line about them."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from harness.core.errors import HarnessError, TakenOverError
from harness.core.interruption import interruption
from harness.core.schema import INTERRUPTED
from harness.core.secrets import hide_passwords


def stopped(error: Exception) -> HarnessError | None:
    """The error to show for an outage that ended a session: one line, passwords masked.

    None if ``error`` is no outage.
    """
    if isinstance(error, HarnessError) or not is_outage(error):
        return None
    text = str(getattr(error.__cause__, "orig", None) or error)
    reason = hide_passwords((text.splitlines() or [""])[0])
    return HarnessError(
        f"stopped: {type(error).__name__}: {reason}; fix it, then run the same command to resume"
    )


_LONGEST_REASON = 300


def failure_reason(error: BaseException) -> str:
    """The value of tag ``failure`` for a trial that ``error`` ended: one line, 300 characters.

    Passwords are masked, before the text is cut.

    A trial that an outage ended is interrupted: the trial does not count and is run again.
    """
    if isinstance(error, TakenOverError) or is_outage(error):
        return INTERRUPTED
    text = (str(error).strip().splitlines() or [""])[0]
    if not isinstance(error, HarnessError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return hide_passwords(text)[:_LONGEST_REASON]


def is_outage(error: BaseException | None) -> bool:
    """Whether Ctrl-C, a disk or a database caused ``error``, so that the trial is not at fault."""
    while error is not None:
        if interruption.caused(error) or isinstance(error, OSError | SQLAlchemyError):
            return True
        error = error.__cause__ or error.__context__
    return False
