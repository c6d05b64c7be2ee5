"""That a predictor tells runs with an outcome below a threshold from the others."""

from __future__ import annotations

from dataclasses import replace

from harness.core.spec.claims import ClaimTest, direction_of
from harness.reporting import formats
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.estimates import Area
from harness.reporting.statistics.hypotheses import Hypothesis
from harness.reporting.statistics.kinds._runs import lost_runs, too_few
from harness.reporting.statistics.samples import predictor_table, readable


def separation(test: ClaimTest, results: StudyResults, first: int | None) -> Hypothesis:
    """The area under the ROC curve against the smallest effect, which it should exceed.

    Positives are the runs whose outcome is below the threshold. Worse values of the predictor
    predict them if a low outcome is bad, better values if a low outcome is good.
    """
    table = readable(predictor_table(results, test, first), results, test)
    used = table[["predictor", "value"]].dropna()
    sign = 1.0 if direction_of(test.predictor) == "minimize" else -1.0
    sign = sign if test.direction == "maximize" else -sign
    scores = sign * used["predictor"].to_numpy(dtype="float64")
    low = (used["value"] < test.threshold).to_numpy(dtype="bool")
    hypothesis = Hypothesis(
        reference=test.smallest_effect,
        rule="area under the ROC curve",
        runs=len(used),
        lost=lost_runs(table, ["predictor", "value"]),
    )
    if not low.any() or low.all():
        words = "all" if low.any() else "no"
        threshold = formats.number(test.threshold)
        reason = f"{words} runs have {test.outcome} below {threshold}: nothing to tell apart"
        return replace(hypothesis, reason=reason if len(used) else too_few(0, "run"))
    return replace(hypothesis, estimate=Area(scores[low], scores[~low]))
