"""By how much one searched field matters more than others: a difference of importances."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from harness.reporting.estimates import Resampled
from harness.reporting.results.tables import StudyResults
from harness.reporting.stats import importance

NUM_RESAMPLES = 100
LEAST_USABLE = 0.8
"""Below this share of resamples that have shares at all, their spread says nothing."""


def lead(results: StudyResults, outcome: str, field: str, over: Sequence[str]) -> Resampled | str:
    """The PED-ANOVA share of ``field`` minus the largest share in ``over``; or why there is none.

    In [-1, 1]. Its spread comes from NUM_RESAMPLES resamples of the completed trials.
    """
    if outcome != results.objective:
        return f"the study searched for {results.objective}, not for {outcome}"
    missing = [name for name in (field, *over) if name not in results.spec.space]
    if missing:
        return f"not searched: {', '.join(missing)}"
    found = importance(results)
    if not found.shares:
        return found.reason
    spread = [shares[field] - max(shares[name] for name in over) for shares in _resampled(results)]
    if len(spread) < LEAST_USABLE * NUM_RESAMPLES or np.ptp(spread) == 0:
        return "too few resamples of the runs have importances"
    effect = found.shares[field] - max(found.shares[name] for name in over)
    return Resampled(effect, found.num_trials, spread)


@lru_cache(maxsize=8)
def _resampled(results: StudyResults, seed: int = 0) -> list[dict[str, float]]:
    """The shares of all fields in each resample of the completed trials that has any."""
    rng = np.random.default_rng(seed)
    done = results.trials[results.trials["outcome"] == "complete"]
    drawn = (done.iloc[rng.integers(0, len(done), len(done))] for _ in range(NUM_RESAMPLES))
    found = (importance(dataclasses.replace(results, trials=rows)).shares for rows in drawn)
    return [shares for shares in found if shares]
