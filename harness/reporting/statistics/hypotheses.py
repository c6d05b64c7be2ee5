"""The hypothesis of a claim's test: its estimate from the runs and its margins, or a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from harness.core.spec.claims import ClaimTest, direction_of
from harness.reporting import formats
from harness.reporting.results.outcomes import ENDED, outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.differences import Difference, Failures, MedianDifference
from harness.reporting.statistics.estimates import (
    Area,
    Estimate,
    Mean,
    RankCorrelation,
    Values,
)
from harness.reporting.statistics.importance import importance_difference
from harness.reporting.statistics.samples import (
    by_seed,
    by_seeds,
    first_runs,
    predictor_table,
    sides,
)

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
NO_DIFFERENCE = "no difference that matters"
UNDECIDED = "undecided"

MIN_RUNS = 5
"""The fewest runs that a correlation is computed from."""


@dataclass(frozen=True)
class Hypothesis:
    """One test of a claim with its estimate and margins.

    estimate: None where ``reason`` says why there is none. failures: of the two arms, None where no
    run failed and in other tests. reference: the effect that the interval must leave; above, below:
    the verdict then, "" for none. margin: the effects that the interval must lie between for the
    verdict ``inside``, None if there is no such verdict. scale: how an effect reads: "ratio" (a
    logarithm) or "" (a plain number). rule: how it was tested. units: what n counts, "seed" or
    "run". runs: how many runs it rests on. lost: what could not be used as a number, one phrase
    each. hopeless: whether more runs cannot give an estimate. correlation: of the arms over seeds,
    which no test uses; NaN where it is not known.
    """

    estimate: Estimate | None = None
    failures: Failures | None = None
    reference: float = 0.0
    above: str = SUPPORTED
    below: str = CONTRADICTED
    margin: tuple[float, float] | None = None
    inside: str = NO_DIFFERENCE
    scale: str = ""
    rule: str = ""
    units: str = "run"
    runs: int = 0
    lost: tuple[str, ...] = ()
    reason: str = ""
    hopeless: bool = False
    correlation: float = math.nan


def formulate(test: ClaimTest, results: StudyResults, first: int | None = None) -> Hypothesis:
    """The hypothesis of ``test`` with the estimate from the runs in ``results``.

    first: only the runs of as many seeds, for tests of arms, or as many runs, in their order; all
    of them if None. ``num_ended`` says how many there are at most.
    """
    if test.kind == "comparison":
        return _comparison(test, by_seed(results, test, first))
    if test.kind == "gain":
        return _gain(test, outcome_table(results, test.outcome), results, first)
    results = results if first is None else first_runs(results, first)
    if test.kind == "importance":
        return _importance(test, results)
    table = predictor_table(results, test)
    weak = test.kind == "weak_correlation"
    return _weak_correlation(test, table) if weak else _separation(test, table)


def _comparison(test: ClaimTest, frame: pd.DataFrame) -> Hypothesis:
    """The difference of the arms' means; apart from their failures, where a run failed."""
    ends = frame[["better_ended", "than_ended"]].isin(ENDED)
    fails = frame[["better_failed", "than_failed"]]
    counts = fails.sum().tolist(), ends.sum().tolist()
    failures = Failures(counts[0][0], counts[1][0], counts[0][1], counts[1][1])
    better, than = sides(frame, test)
    unusable = sum(counts[1]) - sum(counts[0]) - len(better) - len(than)
    ratio = test.scale == "ratio"
    hypothesis = Hypothesis(
        failures=failures if failures.any else None,
        scale="ratio" if ratio else "",
        units="seed",
        runs=sum(counts[1]) - unusable,
        lost=_phrases((unusable, "run", f"without a usable {test.outcome}")),
        correlation=_correlation(better, than),
    )
    first, second = (values.to_numpy() for values in (than, better))
    if test.direction == "maximize":
        first, second = second, first
    if failures.any:
        return _apart_from_failures(first, second, hypothesis)
    return _by_means(first, second, test, hypothesis)


def _by_means(first: Values, second: Values, test: ClaimTest, hypothesis: Hypothesis) -> Hypothesis:
    """Welch's test of the means, with the smallest effect as the margin on both sides of 0."""
    effect = test.smallest_effect
    margin = math.log1p(effect) if hypothesis.scale == "ratio" else effect
    hypothesis = replace(
        hypothesis,
        margin=(-margin, margin) if margin else None,
        rule="Welch's test of the arms' means",
    )
    fewest = min(len(first), len(second))
    if fewest < 2:
        return replace(hypothesis, reason=_too_few(fewest, "seed"))
    if not _spread(first) and not _spread(second):
        return replace(hypothesis, reason="each arm's runs are all the same: no spread to judge by")
    return replace(hypothesis, estimate=Difference(first, second))


def _apart_from_failures(first: Values, second: Values, hypothesis: Hypothesis) -> Hypothesis:
    """Fisher's test of the rates of failure, and the rank-sum test of the other runs.

    There is no margin: that rates of failure do not differ would take hundreds of runs.
    """
    hypothesis = replace(
        hypothesis,
        rule="Fisher's exact test of the failed runs, and the rank-sum test of the others",
    )
    if not len(first) or not len(second):
        return replace(hypothesis, reason="an arm has failed in all of its runs")
    return replace(hypothesis, estimate=MedianDifference(first, second))


def _gain(
    test: ClaimTest, table: pd.DataFrame, results: StudyResults, first: int | None
) -> Hypothesis:
    """The mean outcome against 0, with the smallest effect as the margin on both sides of it."""
    margin = test.smallest_effect
    if first is not None and by_seeds(test, results):
        table = table[table["seed"] < results.spec.base_config().seed + first]
    elif first is not None:
        table = table[table["ended"].isin(ENDED)].iloc[:first]
    values = table["value"].dropna().to_numpy(dtype="float64")
    hypothesis = Hypothesis(
        margin=(-margin, margin) if margin else None,
        rule="the mean against 0",
        units="seed" if by_seeds(test, results) else "run",
        runs=len(values),
        lost=_lost_runs(table, ["value"]),
    )
    if len(values) < 2:
        return replace(hypothesis, reason=_too_few(len(values), hypothesis.units))
    if not _spread(values):
        return replace(hypothesis, reason="all runs are the same: no spread to judge by")
    return replace(hypothesis, estimate=Mean(values))


def _weak_correlation(test: ClaimTest, table: pd.DataFrame) -> Hypothesis:
    """The size of the rank correlation against the smallest effect, which it should stay below."""
    used = table[["predictor", "value"]].dropna()
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        above=CONTRADICTED,
        below=SUPPORTED,
        rule="Spearman's rank correlation, its size",
        runs=len(used),
        lost=_lost_runs(table, ["predictor", "value"]),
    )
    if len(used) < MIN_RUNS:
        return replace(hypothesis, reason=_too_few(len(used), "run", MIN_RUNS))
    if (used.nunique() < 2).any():
        return replace(hypothesis, reason="one of the two is the same in all runs")
    rho = float(stats.spearmanr(used["predictor"], used["value"]).statistic)
    return replace(hypothesis, estimate=RankCorrelation(rho, len(used)))


def _separation(test: ClaimTest, table: pd.DataFrame) -> Hypothesis:
    """The area under the ROC curve against the smallest effect, which it should exceed.

    Positives are the runs whose outcome is below the threshold. Worse values of the predictor
    predict them if a low outcome is bad, better values if a low outcome is good.
    """
    used = table[["predictor", "value"]].dropna()
    sign = 1.0 if direction_of(test.predictor) == "minimize" else -1.0
    sign = sign if test.direction == "maximize" else -sign
    scores = sign * used["predictor"].to_numpy(dtype="float64")
    low = (used["value"] < test.threshold).to_numpy(dtype="bool")
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        rule="area under the ROC curve",
        runs=len(used),
        lost=_lost_runs(table, ["predictor", "value"]),
    )
    if not low.any() or low.all():
        words = "all" if low.any() else "no"
        threshold = formats.number(test.threshold)
        reason = f"{words} runs have {test.outcome} below {threshold}: nothing to tell apart"
        return replace(hypothesis, reason=reason if len(used) else _too_few(0, "run"))
    return replace(hypothesis, estimate=Area(scores[low], scores[~low]))


def _importance(test: ClaimTest, results: StudyResults) -> Hypothesis:
    """The share of the field less the largest share among the others, against shuffled outcomes."""
    table = outcome_table(results, test.outcome)
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        rule="PED-ANOVA shares against those of shuffled outcomes",
        runs=int(table["value"].notna().sum()),
        lost=_lost_runs(table, ["value"]),
    )
    missing = [name for name in (test.field, *test.over) if name not in results.spec.space]
    if missing:
        reason = f"not searched: {', '.join(missing)}"
        return replace(hypothesis, reason=reason, hopeless=True)
    if test.outcome != results.objective:
        reason = f"the study searched for {results.objective}, not for {test.outcome}"
        return replace(hypothesis, reason=reason, hopeless=True)
    found = importance_difference(results, test.field, test.over)
    if isinstance(found, str):
        return replace(hypothesis, reason=found)
    return replace(hypothesis, estimate=found)


def _lost_runs(table: pd.DataFrame, columns: list[str]) -> tuple[str, ...]:
    """Why runs of ``table`` have no number to use."""
    missing = table[columns].isna().any(axis=1)
    failed = missing & table["ended"].eq("failed")
    other = missing & ~failed
    return _phrases((int(failed.sum()), "run", "failed"), (int(other.sum()), "run", "without it"))


def _correlation(better: pd.Series, than: pd.Series) -> float:
    """Pearson's correlation over the seeds of both; NaN below three of them or without spread."""
    both = pd.concat([better, than], axis=1).dropna().to_numpy()
    if len(both) < 3 or not _spread(both[:, 0]) or not _spread(both[:, 1]):
        return math.nan
    return float(np.corrcoef(both, rowvar=False)[0, 1])


def _spread(values: Values) -> bool:
    """Whether the numbers differ by more than rounding."""
    return bool(np.ptp(values) > 1e-12 * np.abs(values).max())


def _phrases(*parts: tuple[int, str, str]) -> tuple[str, ...]:
    """(count, noun, words) as phrases, without those that count none."""
    return tuple(f"{formats.count(n, noun)} {words}" for n, noun, words in parts if n)


def _too_few(n: int, noun: str, needed: int = 2) -> str:
    if not n:
        return "no run to judge by"
    return f"{formats.count(n, noun)} alone; it takes {needed}"
