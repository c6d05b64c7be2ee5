"""Statistics of a study: tables in, tables out. Only completed trials are ranked.

A pruned trial's last score was taken after fewer images and a failed one has none, so neither is
compared with the scores of trials that ran to their end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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
from harness.reporting.results.tables import OUTCOMES, StudyResults, param_column

MIN_TRIALS_FOR_IMPORTANCE = 10
MIN_TRIALS_FOR_CORRELATION = 5
TARGET_TRIALS = 5  # as many trials above the target quantile as PED-ANOVA's authors advise
TARGET_QUANTILE = 0.1  # Watanabe et al. 2023 (PED-ANOVA), gamma' of the experiments


def ranking(results: StudyResults) -> pd.DataFrame:
    """The completed trials from best to worst by the objective, with a column ``rank`` from 1.

    Ties keep the order of trial numbers. Trials whose objective is missing are left out.
    """
    trials = results.trials
    if results.objective not in trials:
        return trials.iloc[:0].assign(rank=pd.Series(dtype="int64"))
    done = trials[(trials["outcome"] == "complete") & trials[results.objective].notna()]
    done = done.sort_values(
        [results.objective, "number"], ascending=[results.lower_is_better, True]
    ).reset_index(drop=True)
    return done.assign(rank=np.arange(1, len(done) + 1))


def picks(results: StudyResults) -> dict[str, pd.Series]:
    """The best, median and worst completed trial, as far as these are different trials.

    The median is the trial at the middle rank, the better of the two for an even number.
    """
    ranked = ranking(results)
    if ranked.empty:
        return {}
    places = {"best": 0, "median": (len(ranked) - 1) // 2, "worst": len(ranked) - 1}
    chosen: dict[str, pd.Series] = {}
    for word, place in places.items():
        if place not in [places[other] for other in chosen]:
            chosen[word] = ranked.iloc[place]
    return chosen


def counts(results: StudyResults) -> dict[str, int]:
    """How many trials ended in each of OUTCOMES, zeros included, in that order."""
    tally = results.trials["outcome"].value_counts()
    return {outcome: int(tally.get(outcome, 0)) for outcome in OUTCOMES}


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


def importance(results: StudyResults) -> Importance:
    """PED-ANOVA importance of the searched fields among the completed trials.

    How much each field's marginal distribution among the best trials differs from that among all
    (Watanabe et al. 2023, arXiv 2304.10255). The best are a tenth of the trials, or more where
    that would be fewer than TARGET_TRIALS. With less than MIN_TRIALS_FOR_IMPORTANCE completed
    trials, fewer than two searched fields or equal scores, a reason stands in for the shares.
    """
    space = {name: distribution(name, domain) for name, domain in results.spec.space.items()}
    ranked = _inside(ranking(results), space)
    if len(space) < 2:
        return Importance(reason="fewer than two fields were searched")
    if len(ranked) < MIN_TRIALS_FOR_IMPORTANCE:
        needed = f"it takes {MIN_TRIALS_FOR_IMPORTANCE} completed trials"
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


def distribution(name: str, domain: Choices | Range) -> BaseDistribution:
    """The Optuna distribution that the searched field ``name`` was drawn from."""
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.values)
    if FIELD_TYPES[name] == "int":
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


def loss_correlations(results: StudyResults) -> dict[str, tuple[float, int]]:
    """Spearman's rank correlation of the final losses with the objective: loss -> (rho, n).

    Over completed trials that have both; left out below MIN_TRIALS_FOR_CORRELATION of them.
    """
    ranked = ranking(results)
    found = {}
    for loss in ("d_loss", "g_loss"):
        if loss not in ranked:
            continue
        pairs = ranked[[loss, results.objective]].replace([np.inf, -np.inf], np.nan).dropna()
        if len(pairs) < MIN_TRIALS_FOR_CORRELATION:
            continue
        ranks = pairs.rank()
        if (ranks.nunique() > 1).all():
            rho = float(np.corrcoef(ranks.to_numpy(), rowvar=False)[0, 1])
            found[loss] = (rho, len(pairs))
    return found


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
        params = {name: _plain(row[param_column(name)]) for name in space}
        value = float(row[results.objective])
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=value))
    return study


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Optuna without its messages: making a study is no news for the reader of a report."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
