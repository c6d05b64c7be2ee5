"""How many cores this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int | None:
    """The cores that this process may be scheduled on, at most the machine's; None if unknown."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
