"""The mean outcome of an arm, or of all runs, against 0."""

from __future__ import annotations

from dataclasses import replace

from harness.core.spec.claims import ClaimTest
from harness.reporting.results.outcomes import ENDED, outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.estimates import Mean
from harness.reporting.statistics.hypotheses import Hypothesis
from harness.reporting.statistics.kinds._runs import lost_runs, spread, too_few
from harness.reporting.statistics.samples import by_seeds


def gain(test: ClaimTest, results: StudyResults, first: int | None) -> Hypothesis:
    """The mean outcome against 0, with the smallest effect as the margin on both sides of it."""
    table, margin = outcome_table(results, test.outcome), test.smallest_effect
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
        lost=lost_runs(table, ["value"]),
    )
    if len(values) < 2:
        return replace(hypothesis, reason=too_few(len(values), hypothesis.units))
    if not spread(values):
        return replace(hypothesis, reason="all runs are the same: no spread to judge by")
    return replace(hypothesis, estimate=Mean(values))
