"""The hypothesis of a claim's test: its estimate from the runs and its margins, or a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from harness.core.spec.claims import ClaimTest, direction_of
from harness.reporting import formats
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.estimates import (
    Area,
    Estimate,
    Mean,
    RankCorrelation,
    WinRate,
)
from harness.reporting.statistics.importance import importance_difference

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
NO_DIFFERENCE = "no difference that matters"
UNDECIDED = "undecided"

MIN_RUNS = 5
"""The fewest runs that a correlation is computed from."""


@dataclass(frozen=True)
class Hypothesis:
    """One test of a claim with its estimate and margins.

    estimate: None where ``reason`` says why there is none. reference: the effect that the interval
    must leave; above, below: the verdict then, "" for none. margin: the effects that the interval
    must lie between for the verdict ``inside``, None if there is no such verdict. scale: how an
    effect reads: "ratio" (a logarithm), "probability" or "" (a plain number). rule: how it was
    tested. units: what n counts, "seed" or "run". runs: how many runs it rests on. lost: what
    could not be used as a number, one phrase each.
    """

    estimate: Estimate | None = None
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


def formulate(test: ClaimTest, results: StudyResults) -> Hypothesis:
    """The hypothesis of ``test`` with the estimate from the runs in ``results``."""
    if test.kind == "paired":
        return _paired(test, pairs(results, test))
    if test.kind == "gain":
        return _gain(test, outcome_table(results, test.outcome))
    if test.kind == "importance":
        return _importance(test, results)
    table = predictor_table(results, test)
    weak = test.kind == "weak_correlation"
    return _weak_correlation(test, table) if weak else _separation(test, table)


def pairs(results: StudyResults, test: ClaimTest) -> pd.DataFrame:
    """One row per seed that both arms of a paired test should have, by seed.

    Columns better, than: the outcome of each arm's run, NaN without one; better_ended, than_ended:
    how the run ended, "missing" if there is none; better_run, than_run: run ids.
    """
    table = outcome_table(results, test.outcome)
    sides = []
    for side, arm in (("better", test.better), ("than", test.than)):
        rows = table[table["arm"] == arm].set_index("seed")[["value", "ended", "run_id"]]
        sides.append(rows.set_axis([side, f"{side}_ended", f"{side}_run"], axis=1))
    joined = sides[0].join(sides[1], how="outer").sort_index()
    ends = ["better_ended", "than_ended"]
    return joined.assign(**joined[ends].fillna("missing").astype("object"))


def differences(frame: pd.DataFrame, test: ClaimTest) -> pd.Series:
    """How much better the arm ``better`` did, per row of ``pairs``: above 0 if it did.

    The logarithm of the ratio for the scale "ratio", where a value that is not above 0 gives NaN.
    """
    values = frame[["better", "than"]].astype("float64")
    if test.scale == "ratio":
        values = values.where(values > 0).transform("log")
    difference = values["better"] - values["than"]
    return -difference if test.direction == "minimize" else difference


def predictor_table(results: StudyResults, test: ClaimTest) -> pd.DataFrame:
    """The runs of ``outcome_table`` with a column ``predictor`` beside ``value``."""
    table = outcome_table(results, test.outcome)
    predictor = outcome_table(results, test.predictor).set_index("run_id")["value"]
    return table.assign(predictor=table["run_id"].map(predictor))


def _paired(test: ClaimTest, frame: pd.DataFrame) -> Hypothesis:
    """The mean difference, or the share of pairs won where a failed run leaves no number."""
    ends = frame[["better_ended", "than_ended"]]
    ended = ends.isin(["complete", "failed"]).all(axis=1)
    failed = ends.isin(["failed"]).set_axis(["better", "than"], axis=1)
    difference = differences(frame, test)
    unusable = ended & difference.isna() & ~failed.any(axis=1)
    usable = ended & ~unusable
    lost = _phrases(
        (int((~ended).sum()), "pair", "without both runs"),
        (int(unusable.sum()), "pair", f"without a usable {test.outcome}"),
    )
    hypothesis = Hypothesis(units="seed", runs=2 * int(usable.sum()), lost=lost)
    if usable.sum() < 2:
        return replace(hypothesis, reason=_too_few(int(usable.sum()), "seed"))
    if failed[usable].any(axis=None):
        return _by_wins(difference[usable], failed[usable], hypothesis)
    return _by_mean(difference[usable], test, hypothesis, "paired differences on the same seeds")


def _by_wins(difference: pd.Series, failed: pd.DataFrame, hypothesis: Hypothesis) -> Hypothesis:
    """The sign test: a failed run loses its pair; a drawn or twice failed pair does not count."""
    sign = np.sign(difference.fillna(0.0))
    sign = sign + failed["than"].astype("int64") - failed["better"].astype("int64")
    won, decided = int((sign > 0).sum()), int((sign != 0).sum())
    lost = _phrases(
        (int(failed.any(axis=1).sum()), "pair", "with a failed run, without a difference"),
        (len(sign) - decided, "pair", "drawn or failed on both sides, not counted"),
    )
    hypothesis = replace(
        hypothesis,
        reference=0.5,
        scale="probability",
        rule="sign test: a failed run loses its pair",
        lost=(*hypothesis.lost, *lost),
    )
    if not decided:
        return replace(hypothesis, reason="no pair has a winner")
    return replace(hypothesis, estimate=WinRate(won, decided))


def _by_mean(values: pd.Series, test: ClaimTest, hypothesis: Hypothesis, rule: str) -> Hypothesis:
    """The mean against 0, with the smallest effect as the margin on both sides of it."""
    ratio = test.kind == "paired" and test.scale == "ratio"
    margin = math.log1p(test.smallest_effect) if ratio else test.smallest_effect
    numbers = values.to_numpy(dtype="float64")
    hypothesis = replace(
        hypothesis,
        margin=(-margin, margin) if margin else None,
        scale="ratio" if ratio else "",
        rule=rule,
    )
    if np.ptp(numbers) <= 1e-12 * np.abs(numbers).max():
        return replace(hypothesis, reason="all differences are the same: no spread to judge by")
    return replace(hypothesis, estimate=Mean(numbers))


def _gain(test: ClaimTest, table: pd.DataFrame) -> Hypothesis:
    """The mean outcome against 0."""
    values = table["value"].dropna()
    hypothesis = Hypothesis(units="seed", runs=len(values), lost=_lost_runs(table, ["value"]))
    if len(values) < 2:
        return replace(hypothesis, reason=_too_few(len(values), "seed"))
    return _by_mean(values, test, hypothesis, "the mean against 0")


def _weak_correlation(test: ClaimTest, table: pd.DataFrame) -> Hypothesis:
    """The size of the rank correlation against the smallest effect, which it should stay below."""
    used = table[["predictor", "value"]].dropna()
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        above=CONTRADICTED,
        below="",
        margin=(-math.inf, test.smallest_effect),
        inside=SUPPORTED,
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
    """The share of the field minus the largest share among the others."""
    margin = test.smallest_effect
    table = outcome_table(results, test.outcome)
    hypothesis = Hypothesis(
        margin=(-margin, margin) if margin else None,
        rule="PED-ANOVA shares, resampled runs",
        runs=int(table["value"].notna().sum()),
        lost=_lost_runs(table, ["value"]),
    )
    found = importance_difference(results, test.outcome, test.field, test.over)
    if isinstance(found, str):
        return replace(hypothesis, reason=found)
    return replace(hypothesis, estimate=found)


def _lost_runs(table: pd.DataFrame, columns: list[str]) -> tuple[str, ...]:
    """Why runs of ``table`` have no number to use."""
    missing = table[columns].isna().any(axis=1)
    failed = missing & table["ended"].eq("failed")
    other = missing & ~failed
    return _phrases((int(failed.sum()), "run", "failed"), (int(other.sum()), "run", "without it"))


def _phrases(*parts: tuple[int, str, str]) -> tuple[str, ...]:
    """(count, noun, words) as phrases, without those that count none."""
    return tuple(f"{formats.count(n, noun)} {words}" for n, noun, words in parts if n)


def _too_few(n: int, noun: str, needed: int = 2) -> str:
    if not n:
        return "no run to judge by"
    return f"{formats.count(n, noun)} alone; it takes {needed}"
