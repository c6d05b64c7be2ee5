"""The report of a study: one self-contained HTML page, a table and a machine-readable summary."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from harness.core.registry import PLOTS
from harness.reporting.html import render_template, replace_file
from harness.reporting.parts import arms as arm_sections
from harness.reporting.parts import provenance as method
from harness.reporting.parts import tables as sections
from harness.reporting.parts import verdicts as claim_sections
from harness.reporting.parts.arms_answer import arms_answer
from harness.reporting.parts.confirmation import CONFIRMATION, confirmation_table
from harness.reporting.parts.confirmation import WORDS as CONFIRMATION_WORDS
from harness.reporting.parts.figures import render
from harness.reporting.parts.search_answer import answer
from harness.reporting.parts.verdict_words import verdict_record
from harness.reporting.plots import Plot
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.confirmation import confirmed
from harness.reporting.statistics.ranking import counts, importance, ranking
from harness.reporting.statistics.verdicts import Verdict, judge

PAGE_FILE = "index.html"
TABLE_FILE = "runs.csv"
SUMMARY_FILE = "study.json"

PLOTS_OF_ARMS = ("learning_curves", "states")
"""The plots of a study that compares arms; the others show how a search went."""


def write_report(results: StudyResults, output_dir: Path) -> Path:
    """The path of the page, written with runs.csv and study.json into ``output_dir``.

    The folder is made if needed. The same results give the same bytes; each file is replaced
    whole, so that a reader never sees half of one.
    """
    summary = json.dumps(summarise(results), indent=2, ensure_ascii=False, allow_nan=False)
    page = render_page(results)
    output_dir.mkdir(parents=True, exist_ok=True)
    replace_file(output_dir / TABLE_FILE, results.trials.to_csv(index=False, lineterminator="\n"))
    replace_file(output_dir / SUMMARY_FILE, summary + "\n")
    replace_file(output_dir / PAGE_FILE, page)
    return output_dir / PAGE_FILE


def render_page(results: StudyResults) -> str:
    """The page as HTML: no script, no address to load from, everything inside."""
    verdicts = own_verdicts(results)
    arms = results.spec.arms is not None
    return render_template(
        "report.html",
        spec=results.spec,
        objective=results.objective,
        answer=arms_answer(results, verdicts) if arms else answer(results),
        confirmation=_confirmation(results),
        details=[claim_sections.detail(verdict, results) for verdict in verdicts],
        tests_words=claim_sections.HOLM_WORDS,
        rates=arm_sections.rates(results),
        leaderboard=arm_sections.arm_table(results) if arms else sections.leaderboard(results),
        showcase=arm_sections.showcase(results) if arms else sections.showcase(results),
        showcase_words=arm_sections.SHOWCASE_WORDS if arms else sections.showcase_words(results),
        plots=_rendered(results),
        trials=sections.all_trials(results),
        scores=sections.score_table(results),
        provenance=method.provenance(results),
        fields=sections.configuration(results),
        facts=method.facts(results),
        commands=method.commands(results),
        search_words=method.search_words(results),
        gaps=results.gaps,
    )


def summarise(results: StudyResults) -> dict[str, Any]:
    """The study as study.json holds it: plain types, no NaN (a missing score is null)."""
    ranked = ranking(results)
    found = importance(results)
    verdicts = own_verdicts(results)
    words = answer(results) if results.spec.arms is None else arms_answer(results, verdicts)
    return {
        "name": results.spec.name,
        "question": results.spec.question,
        "objective": {"metric": results.objective, "direction": results.spec.search.direction},
        "answer": words.headline,
        "confirmation": [
            {name: method.json_value(value) for name, value in dataclasses.asdict(one).items()}
            for one in confirmed(results)
        ],
        "tests": [verdict_record(verdict) for verdict in verdicts],
        "counts": counts(results),
        "best": None if ranked.empty else method.trial_record(results, ranked.iloc[0]),
        "untrained": results.untrained,
        "importance": {"shares": found.shares, "n": found.num_trials, "reason": found.reason},
        "evaluation": results.evaluation,
        "environment": results.environment,
        "study": results.spec.to_dict(),
        "not_recorded": list(results.gaps),
    }


def own_verdicts(results: StudyResults) -> list[Verdict]:
    """The verdicts on the tests of the study's own claim, on its own runs; none without runs."""
    claim = results.spec.claim
    if claim is None or results.trials.empty:
        return []
    return judge([(claim, test, results) for test in claim.tests])


def _confirmation(results: StudyResults) -> dict[str, Any] | None:
    """The table and the plot of the winners on fresh seeds; None where there are none."""
    found = confirmed(results)
    if not found:
        return None
    plot = CONFIRMATION
    return {
        "words": CONFIRMATION_WORDS,
        "table": confirmation_table(found, results.objective),
        "panels": render(plot, results),
        "caption": plot.caption(results),
        "title": plot.title,
    }


def _rendered(results: StudyResults) -> list[sections.Section]:
    """Every registered plot, drawn, in the order of the page; with arms those that suit them."""
    names = PLOTS.names() if results.spec.arms is None else PLOTS_OF_ARMS
    plots: dict[str, Plot] = {name: PLOTS.get(name) for name in names}
    return [
        sections.Section(name, plot.title, plot.caption(results), render(plot, results))
        for name, plot in sorted(plots.items(), key=lambda item: (item[1].order, item[0]))
    ]
