"""What the report of one study says, computed once: for the page, the summary and their parts."""

from __future__ import annotations

from dataclasses import dataclass

from harness.reporting.parts.arms_answer import arms_answer
from harness.reporting.parts.search_answer import Answer, search_answer
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.confirmation import Confirmed, confirmed
from harness.reporting.statistics.importance import Importance, importance
from harness.reporting.statistics.verdicts import Verdict, judge


@dataclass(frozen=True, eq=False)
class Analysis:
    """The results of a study with the statistics that its report shows.

    verdicts: on the tests of the study's own claim, on its own runs; none without runs.
    confirmed: the winners on fresh seeds, the best first; none where nothing was confirmed.
    importance: of the searched fields. answer: to the study's question, in words.
    """

    results: StudyResults
    verdicts: tuple[Verdict, ...]
    confirmed: tuple[Confirmed, ...]
    importance: Importance
    answer: Answer


def analyse(results: StudyResults) -> Analysis:
    """The analysis of ``results``: each of its statistics is computed here and nowhere else."""
    verdicts, winners = _own_verdicts(results), confirmed(results)
    if results.spec.arms is None:
        answer = search_answer(results, winners)
    else:
        answer = arms_answer(results, verdicts)
    return Analysis(results, tuple(verdicts), tuple(winners), importance(results), answer)


def _own_verdicts(results: StudyResults) -> list[Verdict]:
    claim = results.spec.claim
    if claim is None or results.trials.empty:
        return []
    return judge([(claim, test, results) for test in claim.tests])
