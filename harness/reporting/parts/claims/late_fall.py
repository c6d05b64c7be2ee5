"""How much fid still fell in the last doubling of the budget, from the runs' own curves."""

from __future__ import annotations

import math

import numpy as np

from harness.reporting import formats
from harness.reporting.results.outcomes import by_report
from harness.reporting.results.tables import StudyResults, param_column


def late_fall(results: StudyResults) -> float:
    """fid at the end over fid at half of the budget, the geometric mean over completed runs.

    Of the report nearest to half of the budget, within a tenth of the budget. 0.8 says that
    doubling the budget took a fifth off. NaN without a run that has both.
    """
    done = results.trials[results.trials["outcome"] == "complete"]
    budgets = done.set_index("number")[param_column("images")].astype("float64")
    fid = by_report(results.history, ["fid"])["fid"].dropna()
    logs = []
    for trial, curve in fid[fid > 0].groupby("trial"):
        if trial not in budgets.index:
            continue
        seen = curve.index.get_level_values("images_seen").to_numpy(dtype="float64")
        budget = float(budgets[trial])
        middle = int(np.abs(seen - budget / 2).argmin())
        if abs(seen[middle] - budget / 2) <= budget / 10 and seen[-1] > seen[middle]:
            logs.append(math.log(float(curve.iloc[-1])) - math.log(float(curve.iloc[middle])))
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def fall_words(results: StudyResults) -> str:
    """The fall as a change: "\N{MINUS SIGN}21 %"; a dash where it is not known."""
    fall = late_fall(results)
    if math.isnan(fall):
        return formats.MISSING
    return f"{100 * (fall - 1):+.0f}\N{NO-BREAK SPACE}%".replace("-", "\N{MINUS SIGN}")
