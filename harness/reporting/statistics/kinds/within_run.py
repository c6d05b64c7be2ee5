"""That a predictor and the outcome are weakly correlated over the reports of one run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from harness.core.spec.claims import ClaimTest
from harness.reporting.results.outcomes import by_report, outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.estimates import SizeOfMean
from harness.reporting.statistics.hypotheses import CONTRADICTED, SUPPORTED, Hypothesis
from harness.reporting.statistics.kinds._runs import lost_runs, spread, too_few
from harness.reporting.statistics.samples import of_arm

MIN_REPORTS = 12
"""The fewest reports of a run that a correlation within it is computed from."""


def within_run(test: ClaimTest, results: StudyResults, first: int | None) -> Hypothesis:
    """The size of the mean over runs of the correlation within a run, against the smallest effect.

    Runs are those of the test's arm, one for each seed: independent of each other, which the
    reports of a run are not.
    """
    table = correlations(test, results, first)
    values = table["value"].dropna().to_numpy(dtype="float64")
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        above=CONTRADICTED,
        below=SUPPORTED,
        rule="Spearman's rank correlation within each run, the size of the mean",
        units="seed",
        runs=len(values),
        lost=lost_runs(table, ["value"]),
    )
    if len(values) < 2:
        return replace(hypothesis, reason=too_few(len(values), "seed"))
    if not spread(values):
        return replace(hypothesis, reason="all runs are the same: no spread to judge by")
    return replace(hypothesis, estimate=SizeOfMean(values))


def correlations(test: ClaimTest, results: StudyResults, first: int | None = None) -> pd.DataFrame:
    """The ended runs of the test's arm as in ``outcome_table``; value: the correlation within each.

    Spearman's, of predictor and outcome over the reports that have both. NaN for a run that failed,
    one with fewer than MIN_REPORTS of them, and one in which either is always the same.
    """
    table = of_arm(outcome_table(results, test.outcome), results, test, first)
    names = [test.predictor, test.outcome]
    reports = by_report(results.history, names).dropna()
    found = {
        trial: _spearman(part.to_numpy())
        for trial, part in reports.groupby("trial")
        if len(part) >= MIN_REPORTS
    }
    value = table["number"].map(found).astype("float64").where(table["ended"] == "complete")
    return table.assign(value=value)


def _spearman(pairs: np.ndarray) -> float:
    if not all(np.ptp(column) for column in pairs.T):
        return np.nan
    return float(stats.spearmanr(*pairs.T).statistic)
