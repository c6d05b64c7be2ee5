"""One arm against another: their means, or how often they fail and the other runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from harness.core.spec.claims import ClaimTest
from harness.reporting.results.outcomes import ENDED
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.differences import Difference, Failures, MedianDifference
from harness.reporting.statistics.estimates import Values
from harness.reporting.statistics.hypotheses import Hypothesis
from harness.reporting.statistics.kinds._runs import phrases, spread, too_few
from harness.reporting.statistics.samples import by_seed, sides


def comparison(test: ClaimTest, results: StudyResults, first: int | None) -> Hypothesis:
    """The difference of the arms' means; apart from their failures, where a run failed."""
    frame = by_seed(results, test, first)
    ends = frame[["better_ended", "than_ended"]].isin(ENDED)
    fails = frame[["better_failed", "than_failed"]]
    counts = fails.sum().tolist(), ends.sum().tolist()
    failures = Failures(counts[0][0], counts[1][0], counts[0][1], counts[1][1])
    better, than = sides(frame, test)
    unusable = sum(counts[1]) - sum(counts[0]) - len(better) - len(than)
    both = pd.concat([better, than], axis=1).dropna().to_numpy()
    ratio = test.scale == "ratio"
    hypothesis = Hypothesis(
        failures=failures if failures.any else None,
        scale="ratio" if ratio else "",
        units="seed",
        runs=sum(counts[1]) - unusable,
        lost=phrases((unusable, "run", f"without a usable {test.outcome}")),
        correlation=_correlation(both),
        common_seeds=len(both),
    )
    one, two = (values.to_numpy() for values in (than, better))
    if test.direction == "maximize":
        one, two = two, one
    if failures.any:
        return _apart_from_failures(one, two, hypothesis)
    return _by_means(one, two, test, hypothesis)


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
        return replace(hypothesis, reason=too_few(fewest, "seed"))
    if not spread(first) and not spread(second):
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


def _correlation(both: Values) -> float:
    """Pearson's correlation of the two columns; NaN below three rows or without spread."""
    if len(both) < 3 or not spread(both[:, 0]) or not spread(both[:, 1]):
        return math.nan
    return float(np.corrcoef(both[:, 0], both[:, 1])[0, 1])
