"""Which searched fields decide whether a trial is among the best: PED-ANOVA shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.core.config import FIELD_TYPES
from harness.core.spec.study_spec import Choices
from harness.reporting.results.tables import StudyResults, param_column
from harness.reporting.statistics.estimates import Values, normal_quantile
from harness.reporting.statistics.ped_anova import FieldGrid, divergences, weighted_divergences

MIN_TRIALS = 10
TARGET_TRIALS = 5  # as many trials above the target quantile as PED-ANOVA's authors advise
TARGET_QUANTILE = 0.1  # Watanabe et al. 2023 (PED-ANOVA), gamma' of the experiments
LARGEST_QUANTILE = 0.5
FEWEST_TRIALS = 4
"""The fewest completed trials that shares with intervals are computed from, to be shown."""

RESAMPLES = 400
LEVEL = 0.05

SHUFFLES_AT_ONCE = 500
MAX_SHUFFLES = 20_000
ENOUGH_BEYOND = 20
"""Shuffling ends once as many shuffled outcomes lie beyond the observed: Besag & Clifford 1991."""

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Importance:
    """Share of each searched field in reaching the best trials; or why there is none, in words.

    shares: field -> share, largest first, summing to 1. quantile: the share of the completed
    trials that count as the best ones.
    """

    shares: dict[str, float] = field(default_factory=dict)
    num_trials: int = 0
    quantile: float = math.nan
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Shuffled:
    """A statistic of ``n`` runs beside those of shuffled outcomes, (B,): what chance alone gives.

    p-values are those of a permutation test, (1 + number as extreme) / (1 + B). The interval takes
    the statistic to lie around a true effect as the shuffled ones lie around none; it is cut to
    [-1, 1], which a difference of shares cannot leave.
    """

    effect: float
    n: int
    shuffled: Values

    @cached_property
    def standard_error(self) -> float:
        """The standard deviation over shuffled outcomes."""
        return float(self.shuffled.std(ddof=1))

    def interval(self, level: float) -> tuple[float, float]:
        """effect less the upper and the lower quantile of the shuffled ones."""
        upper, lower = np.quantile(self.shuffled, (1 - level / 2, level / 2))
        return max(self.effect - float(upper), -1.0), min(self.effect - float(lower), 1.0)

    def above(self, value: float) -> float:
        """The share of shuffled statistics that are at least the observed one less ``value``."""
        beyond = int((self.shuffled >= self.effect - value - _ROUNDING).sum())
        return (1 + beyond) / (1 + len(self.shuffled))

    def below(self, value: float) -> float:
        """The share of shuffled statistics that are at most the observed one less ``value``."""
        beyond = int((self.shuffled <= self.effect - value + _ROUNDING).sum())
        return (1 + beyond) / (1 + len(self.shuffled))

    def reach(self, n: int, tail: float) -> float:
        """By the normal distribution, with a spread that falls with the square root of n."""
        return normal_quantile(tail) * self.standard_error * math.sqrt(self.n / n)


@lru_cache(maxsize=64)
def importance(results: StudyResults) -> Importance:
    """PED-ANOVA importance of the searched fields among the completed trials.

    How much each field's marginal distribution among the best trials differs from that among all
    (Watanabe et al. 2023, arXiv 2304.10255). The best are a tenth of the trials, or more where
    that would be fewer than TARGET_TRIALS. With fewer than MIN_TRIALS completed trials, fewer than
    two searched fields or equal scores, there is a reason and no shares. Computed once per
    results: a claim's test, the plot, its caption and the summary all ask for it.
    """
    return _measure(results)


def _measure(results: StudyResults) -> Importance:
    space, ranked = results.spec.space, _ranked(results)
    if len(space) < 2:
        return Importance(reason="fewer than two fields were searched")
    if len(ranked) < MIN_TRIALS:
        needed = f"it takes {MIN_TRIALS} completed trials"
        return Importance(num_trials=len(ranked), reason=f"{needed}; there are {len(ranked)}")
    scores = ranked[results.objective]
    if scores.nunique() < 2:
        return Importance(num_trials=len(ranked), reason="all completed trials score the same")
    found = _divergences(results, _best(results)[None, :])[0]
    if not found.sum() > 0:
        return Importance(num_trials=len(ranked), reason="no field separates the best trials")
    shares = (found / found.sum()).tolist()
    ordered = sorted(zip(space, shares, strict=True), key=lambda pair: -pair[1])
    return Importance(dict(ordered), len(ranked), _quantile(len(ranked)))


def share_intervals(results: StudyResults) -> pd.DataFrame:
    """The importance shares with 95 % intervals, largest first: field, share, low, high, n.

    Of RESAMPLES bootstrap resamples of the trials, the quantiles of their shares. From
    FEWEST_TRIALS completed trials on, fewer than ``importance`` asks for: such intervals are wide,
    and too narrow all the same, since a bootstrap of few trials knows nothing of those that were
    not run. No rows with fewer trials, fewer than two searched fields or equal scores.
    """
    ranked = _ranked(results)
    columns = ["field", "share", "low", "high", "n"]
    nothing = pd.DataFrame({name: pd.Series(dtype="float64") for name in columns})
    if len(results.spec.space) < 2 or len(ranked) < FEWEST_TRIALS:
        return nothing
    found = _divergences(results, _best(results)[None, :])[0]
    if ranked[results.objective].nunique() < 2 or not found.sum() > 0:
        return nothing
    resampled = _resampled_divergences(results)
    resampled = resampled[resampled.sum(axis=1) > 0]
    shares = resampled / resampled.sum(axis=1, keepdims=True)
    low, high = np.quantile(shares, (LEVEL / 2, 1 - LEVEL / 2), axis=0)
    table = {"field": list(results.spec.space), "share": found / found.sum()}
    frame = pd.DataFrame({**table, "low": low, "high": high, "n": len(ranked)})
    return frame.sort_values("share", ascending=False, kind="stable").reset_index(drop=True)


def _resampled_divergences(results: StudyResults) -> Values:
    """The divergences of all fields in bootstrap resamples of the trials, (RESAMPLES, fields)."""
    scores = _ranked(results)[results.objective].to_numpy(dtype="float64")
    scores = scores if results.lower_is_better else -scores
    n = len(scores)
    weights = np.random.default_rng(n).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    place = math.ceil(_quantile(n) * n)  # of the last one of the best, counted with its weight
    last = scores[(weights.cumsum(axis=1) >= place).argmax(axis=1)]
    best = scores[None, :] <= last[:, None]
    counted = weights.astype("float64")
    return np.stack([weighted_divergences(grid, counted, best) for grid in _grids(results)], axis=1)


def importance_difference(results: StudyResults, field: str, over: Sequence[str]) -> Shuffled | str:
    """The PED-ANOVA share of ``field`` minus the largest share in ``over``; or why there is none.

    In [-1, 1]. Beside it stand those of outcomes that were shuffled over the trials, up to
    MAX_SHUFFLES times; fewer where chance gives as much often enough. These are shares of what the
    fields separate in truth, not of what they separate by chance: the sum of the latter is small,
    so that shares of it say little.
    """
    found = importance(results)
    if not found.shares:
        return found.reason
    effect = found.shares[field] - max(found.shares[name] for name in over)
    total = float(_divergences(results, _best(results)[None, :]).sum())
    names = list(results.spec.space)
    one, others = names.index(field), [names.index(name) for name in over]
    drawn: list[Values] = []
    for batch in range(MAX_SHUFFLES // SHUFFLES_AT_ONCE):
        chance = _by_chance(results, batch)
        drawn.append((chance[:, one] - chance[:, others].max(axis=1)) / total)
        above = sum(int((part >= effect).sum()) for part in drawn)
        if min(above, len(drawn) * SHUFFLES_AT_ONCE - above) >= ENOUGH_BEYOND:
            break
    return Shuffled(effect, found.num_trials, np.concatenate(drawn))


@lru_cache(maxsize=256)
def _by_chance(results: StudyResults, batch: int, seed: int = 0) -> Values:
    """The divergences of all fields for SHUFFLES_AT_ONCE shuffled outcomes, (B, fields).

    A shuffled outcome makes any trials the best ones, as many as there are.
    """
    best = _best(results)
    rng = np.random.default_rng([seed, batch])
    chosen = rng.permuted(np.tile(best, (SHUFFLES_AT_ONCE, 1)), axis=1)
    return _divergences(results, chosen)


def _divergences(results: StudyResults, chosen: npt.NDArray[np.bool_]) -> Values:
    """How far each field separates the chosen trials from all, (B, fields): no shares yet."""
    return np.stack([divergences(grid, chosen) for grid in _grids(results)], axis=1)


def _best(results: StudyResults) -> npt.NDArray[np.bool_]:
    """Whether each trial of ``_ranked`` is among the best, ties with the last of them included."""
    ranked = _ranked(results)
    scores = ranked[results.objective].to_numpy(dtype="float64")
    last = scores[math.ceil(_quantile(len(scores)) * len(scores)) - 1]
    best: npt.NDArray[np.bool_] = scores <= last if results.lower_is_better else scores >= last
    return best


def best_of(num_trials: int) -> int:
    """How many of so many completed trials count as the best ones, without ties."""
    return math.ceil(_quantile(num_trials) * num_trials)


def _quantile(num_trials: int) -> float:
    """The share of the trials that count as the best: half of them at most."""
    return min(max(TARGET_QUANTILE, TARGET_TRIALS / num_trials), LARGEST_QUANTILE)


@lru_cache(maxsize=8)
def _grids(results: StudyResults) -> tuple[FieldGrid, ...]:
    """The grid of each searched field over the trials of ``_ranked``."""
    ranked = _ranked(results)
    return tuple(
        FieldGrid.of(domain, ranked[param_column(name)], whole=FIELD_TYPES[name] == "int")
        for name, domain in results.spec.space.items()
    )


def _ranked(results: StudyResults) -> pd.DataFrame:
    """The completed trials whose values all lie in the space: a resumed study may have changed it.

    From the best to the worst.
    """
    ranked = results.ranked
    keep = pd.Series(True, index=ranked.index)
    for name, domain in results.spec.space.items():
        values = ranked[param_column(name)]
        if isinstance(domain, Choices):
            keep &= values.isin(list(domain.values))
        else:
            keep &= values.astype("float64").between(domain.low, domain.high)
    return ranked[keep]
