"""The value that an arm is tuned to: the one whose runs have the lowest outcome."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.spec.arms import Tuning

Scores = Sequence[float | None]
"""Outcomes of the runs with one factor; None for a failed run."""


@dataclass(frozen=True)
class Choice:
    """The factor that an arm is tuned to. edge: whether a factor beyond it might be better yet.

    levels: factor -> geometric mean of its runs, NaN without any or where one failed.
    """

    factor: float
    edge: bool
    levels: Mapping[float, float]


def choose(scores: Mapping[float, Scores]) -> Choice:
    """The factor with the fewest failed runs and, among these, the lowest geometric mean.

    scores: of every factor, in ascending order. Outcomes are 0 or above. Among equals the factor
    nearest to the middle one is chosen, and the lower one of two that are as near.
    """
    factors, middle = list(scores), (len(scores) - 1) / 2
    means = {factor: _geometric_mean(runs) for factor, runs in scores.items()}

    def key(index: int) -> tuple[int, float, float]:
        runs = scores[factors[index]]
        return sum(one is None for one in runs), means[factors[index]], abs(index - middle)

    best = min(range(len(factors)), key=key)
    levels = {
        factor: math.nan if None in scores[factor] or not scores[factor] else means[factor]
        for factor in factors
    }
    return Choice(factors[best], best in (0, len(factors) - 1), levels)


def choices(tuning: Tuning, scores: Mapping[str, Scores], arms: Sequence[str]) -> dict[str, Choice]:
    """Arm -> its choice, for those of ``arms`` that have been tuned.

    scores: the tuning study's arm -> the outcomes of its runs. An arm of which a run is missing has
    not been tuned.
    """
    found = {}
    for arm in arms:
        runs = {factor: scores.get(tuning.arm_name(arm, factor), ()) for factor in tuning.factors}
        if all(len(one) >= tuning.seeds for one in runs.values()):
            found[arm] = choose(runs)
    return found


def _geometric_mean(runs: Scores) -> float:
    """Of those that did not fail; infinite without any, 0 where one is 0."""
    values = [one for one in runs if one is not None]
    if not values:
        return math.inf
    if min(values) <= 0:
        return 0.0
    return math.exp(math.fsum(map(math.log, values)) / len(values))
