"""Which searched fields decide whether a trial is among the best: PED-ANOVA shares."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from harness.core.config import FIELD_TYPES
from harness.core.spec.study_spec import Choices, Range
from harness.reporting.results.tables import StudyResults, param_column
from harness.reporting.statistics.estimates import Resampled

MIN_TRIALS = 10
TARGET_TRIALS = 5  # as many trials above the target quantile as PED-ANOVA's authors advise
TARGET_QUANTILE = 0.1  # Watanabe et al. 2023 (PED-ANOVA), gamma' of the experiments
NUM_RESAMPLES = 100
LEAST_USABLE = 0.8
"""The least share of the resamples that must have importances for their spread to be used."""


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


@lru_cache(maxsize=8)
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
    space = {name: distribution(name, domain) for name, domain in results.spec.space.items()}
    ranked = _inside(results.ranked, space)
    if len(space) < 2:
        return Importance(reason="fewer than two fields were searched")
    if len(ranked) < MIN_TRIALS:
        needed = f"it takes {MIN_TRIALS} completed trials"
        return Importance(num_trials=len(ranked), reason=f"{needed}; there are {len(ranked)}")
    if ranked[results.objective].nunique() < 2:
        return Importance(num_trials=len(ranked), reason="all completed trials score the same")
    quantile = max(TARGET_QUANTILE, TARGET_TRIALS / len(ranked))
    with _quiet_optuna():
        shares = get_param_importances(
            _in_memory_study(ranked, results, space),
            evaluator=PedAnovaImportanceEvaluator(target_quantile=quantile),
        )
    if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-6):
        return Importance(num_trials=len(ranked), reason="no field separates the best trials")
    return Importance(dict(shares), len(ranked), quantile)


def importance_difference(
    results: StudyResults, outcome: str, field: str, over: Sequence[str]
) -> Resampled | str:
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


def distribution(name: str, domain: Choices | Range) -> BaseDistribution:
    """The Optuna distribution that the searched field ``name`` was drawn from."""
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.values)
    if FIELD_TYPES[name] == "int":
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


@lru_cache(maxsize=8)
def _resampled(results: StudyResults, seed: int = 0) -> list[dict[str, float]]:
    """The shares of all fields in each resample of the completed trials that has any."""
    rng = np.random.default_rng(seed)
    done = results.trials[results.trials["outcome"] == "complete"]
    drawn = (done.iloc[rng.integers(0, len(done), len(done))] for _ in range(NUM_RESAMPLES))
    found = (_measure(dataclasses.replace(results, trials=rows)).shares for rows in drawn)
    return [shares for shares in found if shares]


def _inside(ranked: pd.DataFrame, space: dict[str, BaseDistribution]) -> pd.DataFrame:
    """The trials whose values all lie in the space: a resumed study may have changed it."""
    keep = pd.Series(True, index=ranked.index)
    for name, domain in space.items():
        if isinstance(domain, CategoricalDistribution):
            keep &= ranked[param_column(name)].isin(list(domain.choices))
        elif isinstance(domain, FloatDistribution | IntDistribution):
            keep &= ranked[param_column(name)].astype("float64").between(domain.low, domain.high)
    return ranked[keep]


def _in_memory_study(
    ranked: pd.DataFrame, results: StudyResults, space: dict[str, BaseDistribution]
) -> optuna.Study:
    """The completed trials as an Optuna study, made from the table alone."""
    minimize = results.lower_is_better
    study = optuna.create_study(direction="minimize" if minimize else "maximize")
    for _, row in ranked.sort_values("number").iterrows():
        params = {name: _python_value(row[param_column(name)]) for name in space}
        value = float(row[results.objective])
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=value))
    return study


def _python_value(value: object) -> object:
    """``value`` as Python's own number, which Optuna's distributions compare with choices."""
    return value.item() if isinstance(value, np.generic) else value


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Silences Optuna's log within the block: it announces every study that is created."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
