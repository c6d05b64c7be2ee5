"""No page gives way to one that rests on fewer runs, unless a person says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import InputError

RUNS_KEY = "runs"
"""Key of a page's summary for the number of runs that it rests on."""


class FewerRunsError(InputError):
    """The page that is there rests on more runs than the one that was to replace it."""


def check_not_fewer(summary: Path, runs: int, force: bool) -> None:
    """Raise FewerRunsError if the page whose ``summary`` is there rests on more than ``runs``.

    Not with ``force``. A summary that is missing or cannot be read protects nothing.
    """
    there = 0 if force else runs_behind(_read(summary))
    if there > runs:
        raise FewerRunsError(
            f"{summary.parent}: the page there rests on {there:,} runs, this one would on "
            f"{runs:,}; it is replaced by the report command with --force, or written elsewhere "
            f"with --output"
        )


def runs_behind(summary: object) -> int:
    """How many runs a page rests on, by its ``summary`` as parsed; 0 for what is no summary."""
    if not isinstance(summary, Mapping):
        return 0
    runs = summary.get(RUNS_KEY)
    if isinstance(runs, int):
        return runs
    return _of_earlier_claims(summary) + _of_earlier_study(summary)


def _read(summary: Path) -> object:
    try:
        return json.loads(summary.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _of_earlier_claims(summary: Mapping[str, Any]) -> int:
    """The runs of a claims.json without the key: those of each arm, and of each search, once."""
    behind: dict[object, int] = {}
    for row in summary.get("claims") or []:
        test, runs = row.get("test") or {}, row.get("runs") or 0
        arms = [test[side] for side in ("better", "than") if test.get(side)]
        for arm in arms or [None]:
            key = row.get("study"), arm
            behind[key] = max(behind.get(key, 0), runs // max(len(arms), 1))
    return sum(behind.values())


def _of_earlier_study(summary: Mapping[str, Any]) -> int:
    """The runs of a study.json without the key: those that ended otherwise than interrupted."""
    counts = summary.get("counts") or {}
    return sum(counts.get(end) or 0 for end in ("complete", "pruned", "failed"))
