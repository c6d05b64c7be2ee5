"""The race of a confirmation: seeds go to the configurations that may still be the best.

All configurations are trained on the seeds of the first look. At each look those that are worse
than the best one leave; the others continue, until one is left, none differs enough to matter, or
the seeds are used up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

LEVEL = 0.05
"""Probability that some comparison of a race is wrong where all configurations are equal.

The configuration that is truly the best leaves with half of this probability at most: it is
compared with one that looks better, in one direction.
"""

CLOSE = 0.10
"""Scores within this share of the best one do not differ enough to matter."""

Fresh = Sequence[float | None]
"""Scores of a configuration on fresh seeds, in the order of the seeds; None for a failed run."""


@dataclass(frozen=True)
class Race:
    """Where a race stands.

    alive: trials that may still be the best, the best so far first. seeds: trial -> how many seeds
    it is to have. over: whether nobody is to be trained any more.
    """

    alive: tuple[int, ...]
    seeds: Mapping[int, int]
    over: bool


def race(fresh: Mapping[int, Fresh], looks: Sequence[int], *, lower_is_better: bool) -> Race:
    """The race of the trials ``fresh`` as far as it was run.

    ``looks``: numbers of seeds, ascending; a look is held once every trial that is alive has so
    many. At look k, 1 - (LEVEL * (n_k - n_(k-1)) / n_last) / (number of others) is the confidence
    of each interval of Welch (1947) for the difference to the best mean: over looks and trials the
    errors sum up to LEVEL (Bonferroni), however the scores depend on each other. A trial leaves if
    its interval excludes 0. A trial with a failed run leaves if the best one has none; with fewer
    than two scores it stays. The race ends if all intervals lie within CLOSE of the best mean.
    """
    alive, seeds, before = list(fresh), dict.fromkeys(fresh, looks[0]), 0
    for look in looks:
        seeds.update(dict.fromkeys(alive, look))
        if any(len(fresh[trial]) < look for trial in alive):
            return Race(_best_first(fresh, alive, lower_is_better), seeds, over=False)
        held = {trial: fresh[trial][:look] for trial in alive}
        level = LEVEL * (look - before) / looks[-1] / max(1, len(fresh) - 1)
        first, *rest = _best_first(held, alive, lower_is_better)
        intervals = {trial: _interval(held[first], held[trial], level) for trial in rest}
        alive = [trial for trial in alive if trial == first or _may_be_equal(intervals[trial])]
        margin, before = CLOSE * abs(mean(held[first])), look
        if all(max(map(abs, intervals[trial])) <= margin for trial in alive if trial != first):
            break  # only one is left, or all that are left are as good
    return Race(_best_first(fresh, alive, lower_is_better), seeds, over=True)


def mean(fresh: Fresh) -> float:
    """The mean of the runs that did not fail; NaN without any."""
    values = [score for score in fresh if score is not None]
    return float(np.mean(values)) if values else np.nan


def _best_first(fresh: Mapping[int, Fresh], trials: Sequence[int], lower: bool) -> tuple[int, ...]:
    """Those without a failed run first, then by mean, without any score last, then by number."""
    sign = 1.0 if lower else -1.0

    def key(trial: int) -> tuple[bool, bool, float, int]:
        average = mean(fresh[trial])
        unknown = bool(np.isnan(average))
        return None in fresh[trial], unknown, 0.0 if unknown else sign * average, trial

    return tuple(sorted(trials, key=key))


def _may_be_equal(interval: tuple[float, float]) -> bool:
    return interval[0] <= 0.0 <= interval[1]


def _interval(first: Fresh, other: Fresh, level: float) -> tuple[float, float]:
    """Welch's interval, which misses with probability ``level``, for the other's mean - first's.

    Infinite with fewer than two scores of one. (inf, inf), which excludes all finite differences,
    where a run of ``other`` failed and none of ``first``.
    """
    if None in other and None not in first:
        return np.inf, np.inf
    samples = [[score for score in scores if score is not None] for scores in (first, other)]
    if min(map(len, samples)) < 2:
        return -np.inf, np.inf
    sizes = np.array([len(values) for values in samples])
    errors = np.array([np.var(values, ddof=1) for values in samples]) / sizes
    difference = float(np.mean(samples[1]) - np.mean(samples[0]))
    if errors.sum() == 0.0:
        return difference, difference
    freedom = errors.sum() ** 2 / (errors**2 / (sizes - 1)).sum()
    half = float(special.stdtrit(freedom, 1.0 - level / 2) * np.sqrt(errors.sum()))
    return difference - half, difference + half
