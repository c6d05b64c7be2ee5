"""That a predictor and the outcome are weakly correlated over runs."""

from __future__ import annotations

from dataclasses import replace

from scipy import stats

from harness.core.spec.claims import ClaimTest
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.estimates import RankCorrelation
from harness.reporting.statistics.hypotheses import CONTRADICTED, SUPPORTED, Hypothesis
from harness.reporting.statistics.kinds._runs import MIN_RUNS, lost_runs, too_few
from harness.reporting.statistics.samples import by_seeds, predictor_table


def weak_correlation(test: ClaimTest, results: StudyResults, first: int | None) -> Hypothesis:
    """The size of the rank correlation against the smallest effect, which it should stay below."""
    table = predictor_table(results, test, first)
    used = table[["predictor", "value"]].dropna()
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        above=CONTRADICTED,
        below=SUPPORTED,
        rule="Spearman's rank correlation, its size",
        units="seed" if by_seeds(test, results) else "run",
        runs=len(used),
        lost=lost_runs(table, ["predictor", "value"]),
    )
    if len(used) < MIN_RUNS:
        return replace(hypothesis, reason=too_few(len(used), "run", MIN_RUNS))
    if (used.nunique() < 2).any():
        return replace(hypothesis, reason="one of the two is the same in all runs")
    rho = float(stats.spearmanr(used["predictor"], used["value"]).statistic)
    return replace(hypothesis, estimate=RankCorrelation(rho, len(used)))
