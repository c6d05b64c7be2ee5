"""What all kinds of tests say of the runs that they cannot use."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.reporting import formats
from harness.reporting.statistics.estimates import Values

MIN_RUNS = 5
"""The fewest runs that a correlation is computed from."""


def lost_runs(table: pd.DataFrame, columns: list[str]) -> tuple[str, ...]:
    """Why runs of ``table`` have no number to use."""
    missing = table[columns].isna().any(axis=1)
    failed = missing & table["ended"].eq("failed")
    other = missing & ~failed
    return phrases((int(failed.sum()), "run", "failed"), (int(other.sum()), "run", "without it"))


def spread(values: Values) -> bool:
    """Whether the numbers differ by more than rounding."""
    return bool(np.ptp(values) > 1e-12 * np.abs(values).max())


def phrases(*parts: tuple[int, str, str]) -> tuple[str, ...]:
    """(count, noun, words) as phrases, without those that count none."""
    return tuple(f"{formats.count(n, noun)} {words}" for n, noun, words in parts if n)


def too_few(n: int, noun: str, needed: int = 2) -> str:
    if not n:
        return "no run to judge by"
    return f"{formats.count(n, noun)} alone; it takes {needed}"
