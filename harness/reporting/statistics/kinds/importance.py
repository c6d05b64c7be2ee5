"""That a searched field matters more than others."""

from __future__ import annotations

from dataclasses import replace

from harness.core.spec.claims import ClaimTest
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.hypotheses import Hypothesis
from harness.reporting.statistics.importance import importance_difference
from harness.reporting.statistics.kinds._runs import lost_runs
from harness.reporting.statistics.samples import first_runs


def importance(test: ClaimTest, results: StudyResults, first: int | None) -> Hypothesis:
    """The share of the field less the largest share among the others, against shuffled outcomes."""
    results = results if first is None else first_runs(results, first)
    table = outcome_table(results, test.outcome)
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        rule="PED-ANOVA shares against those of shuffled outcomes",
        runs=int(table["value"].notna().sum()),
        lost=lost_runs(table, ["value"]),
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
