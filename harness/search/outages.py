"""What a person reads when a store or a disk ended the work: one line, without passwords."""

from __future__ import annotations

from harness.core.errors import HarnessError
from harness.tracking.stores.urls import hide_passwords
from harness.tracking.tracker import is_outage


def stopped(error: Exception) -> HarnessError | None:
    """What to say of an outage that ended a sitting; None if ``error`` is something else."""
    if isinstance(error, HarnessError) or not is_outage(error):
        return None
    text = str(getattr(error.__cause__, "orig", None) or error)
    reason = hide_passwords((text.splitlines() or [""])[0])
    return HarnessError(
        f"stopped: {type(error).__name__}: {reason}; once that is mended, the same command goes on"
    )
