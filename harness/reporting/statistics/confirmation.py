"""Winners of a search on fresh seeds: their mean scores, and how optimistic the search's were.

The best of many trials is chosen by its score, so this score is biased towards good values: the
winner's curse. The mean score of the same configuration on fresh seeds is not biased.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.spec.arms import confirmed_trial
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.bootstrap import resamples
from harness.reporting.statistics.estimates import Mean

LEVEL = 0.05
"""The probability that one interval of a confirmation misses; not corrected for their number."""


@dataclass(frozen=True)
class Confirmed:
    """A configuration of the search on fresh seeds.

    arm: its name in the confirmation. trial: the search's trial, searched: that trial's score.
    num_seeds: completed runs; failed: runs that failed. mean, low, high: of the score over the
    completed runs, with its interval; NaN where there are too few. too_good: by how much the
    search's score is better than the mean, above 0 if that score was optimistic, with an interval
    from the spread of the fresh runs alone. probability_best: share of resamples of the seeds in
    which its mean is the best.
    """

    arm: str
    trial: int
    searched: float
    num_seeds: int
    failed: int
    mean: float
    low: float
    high: float
    too_good: float
    too_good_low: float
    too_good_high: float
    probability_best: float


def confirmed(results: StudyResults) -> list[Confirmed]:
    """The confirmed configurations, the winner first; none where nothing has been confirmed.

    The others by mean; a configuration with a failed run comes after those without one.
    """
    if results.confirmation is None or results.confirmation.spec.arms is None:
        return []
    ranked = results.ranked
    scores = dict(zip(ranked["number"], ranked[results.objective].astype("float64"), strict=True))
    table = outcome_table(results.confirmation, results.objective)
    names = results.confirmation.spec.arms.names
    chance = _chances(results.confirmation, results.objective, results.lower_is_better)
    found = []
    for arm in names:
        number = confirmed_trial(arm)
        runs = table[table["arm"] == arm]
        if number is None or number not in scores or runs["value"].isna().all():
            continue
        values = runs["value"].dropna().to_numpy(dtype="float64")
        failed = int(runs["ended"].eq("failed").sum())
        made = (arm, number, scores[number], len(values), failed)
        found.append(_confirmed(made, values, results.lower_is_better, chance.get(arm, math.nan)))
    sign = 1.0 if results.lower_is_better else -1.0
    first = results.winner.trial if results.winner else None
    return sorted(
        found, key=lambda one: (one.trial != first, one.failed > 0, sign * one.mean, one.trial)
    )


def _confirmed(
    made: tuple[str, int, float, int, int], values: npt.NDArray[np.float64], lower: bool, p: float
) -> Confirmed:
    searched, mean = made[2], float(values.mean())
    low, high = math.nan, math.nan
    if len(values) > 1 and np.ptp(values) > 0:
        low, high = Mean(values).interval(LEVEL)
    ends = (low - searched, high - searched) if lower else (searched - high, searched - low)
    too_good = mean - searched if lower else searched - mean
    return Confirmed(*made, mean, low, high, too_good, *ends, p)


def _chances(confirmation: StudyResults, outcome: str, lower: bool) -> dict[str, float]:
    """arm -> the share of resamples of the seeds in which its mean is the best; ties are split.

    A resample has the same seeds for all arms, so that an easy seed counts for all of them. Seeds
    that some arm has not ended are left out; a failed run is worse than any completed one.
    """
    table = outcome_table(confirmation, outcome)
    table = table[table["value"].notna() | table["ended"].eq("failed")]
    table = table.assign(value=table["value"] if lower else -table["value"])
    table = table.assign(value=table["value"].fillna(math.inf))
    wide = table.pivot(index="seed", columns="arm", values="value").dropna()
    if len(wide) < 2:
        return {}
    counts, weights = resamples(len(wide), 0)
    finite = np.where(np.isinf(wide), 0.0, wide)
    sums = np.where(counts @ np.isinf(wide) > 0, math.inf, counts @ finite)
    best = sums == sums.min(axis=1, keepdims=True)
    shares = (best / best.sum(axis=1, keepdims=True) * weights[:, None]).sum(axis=0)
    return dict(zip(wide.columns, shares.tolist(), strict=True))
