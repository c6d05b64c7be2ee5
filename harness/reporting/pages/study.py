"""The report of a study: one self-contained HTML page, a table and a machine-readable summary."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from harness.core.registry import PLOTS
from harness.core.replace_files import replace_files
from harness.core.schema import FID_LATE
from harness.outcomes.late import LATE_WORDS
from harness.reporting.analysis import Analysis, analyse
from harness.reporting.csv_file import csv_text
from harness.reporting.html import render_template
from harness.reporting.pages.fewer_runs import RUNS_KEY, check_not_fewer
from harness.reporting.parts import arms, image_grids, provenance, tables, verdicts
from harness.reporting.parts.confirmation import WORDS as CONFIRMATION_WORDS
from harness.reporting.parts.confirmation import confirmation_plot, confirmation_table
from harness.reporting.parts.figures import figure_data, render
from harness.reporting.parts.trials.collapse_gallery import collapse_gallery
from harness.reporting.parts.trials.film_strips import WORDS as STRIPS_WORDS
from harness.reporting.parts.trials.film_strips import film_strips
from harness.reporting.parts.trials.interpolation import interpolation
from harness.reporting.parts.trials.leaderboard import leaderboard, thumbnail
from harness.reporting.parts.trials.nearest_training import neighbours
from harness.reporting.parts.trials.recommendation import recommendation
from harness.reporting.parts.verdict_words import level_words, verdict_record
from harness.reporting.plots import Plot
from harness.reporting.results.tables import StudyResults

PAGE_FILE = "index.html"
TABLE_FILE = "runs.csv"
SUMMARY_FILE = "study.json"
DATA_FOLDER = "data"

PLOTS_OF_ARMS = ("learning_curves", "losses_within_runs", "network_balance", "states")
"""The plots of a study that compares arms; the others show how a search went."""


def write_report(results: StudyResults, output_dir: Path, *, force: bool = False) -> Path:
    """The path of the page, written with runs.csv, study.json and data/ into ``output_dir``.

    data/ has what each figure draws. Folders are made if needed. The same results give the same
    bytes. The files are replaced together: OSError if they cannot be written, and the old ones
    stay. FewerRunsError if the page that is there rests on more runs, unless ``force``.
    """
    check_not_fewer(output_dir / SUMMARY_FILE, num_runs(results), force)
    output_dir.mkdir(parents=True, exist_ok=True)  # told before the page is drawn, not after
    analysis = analyse(results)
    summary = json.dumps(summarise(analysis), indent=2, ensure_ascii=False, allow_nan=False)
    texts = {
        TABLE_FILE: csv_text(results.trials),
        SUMMARY_FILE: summary + "\n",
        **{f"{DATA_FOLDER}/{name}.csv": text for name, text in _data(results).items()},
        PAGE_FILE: render_page(analysis),
    }
    replace_files({output_dir / name: text for name, text in texts.items()})
    return output_dir / PAGE_FILE


def num_runs(results: StudyResults) -> int:
    """How many runs the page of a study rests on: those that ended otherwise than interrupted."""
    return sum(results.counts[end] for end in ("complete", "pruned", "failed"))


def render_page(analysis: Analysis) -> str:
    """The page as one self-contained HTML text: its own script, nothing loaded from elsewhere."""
    results = analysis.results
    compares_arms = results.spec.arms is not None
    return render_template(
        "report.html",
        script="study.js",
        spec=results.spec,
        objective=results.objective,
        answer=analysis.answer,
        recommendation=recommendation(results),
        confirmation=_confirmation(analysis),
        details=[verdicts.detail(verdict, results) for verdict in analysis.verdicts],
        tests_words=level_words(len(analysis.verdicts)),
        rates=arms.rates(results),
        leaderboard=arms.arm_table(results) if compares_arms else leaderboard(results),
        showcase=arms.showcase(results) if compares_arms else image_grids.showcase(results),
        showcase_words=arms.SHOWCASE_WORDS if compares_arms else image_grids.words(results),
        strips=film_strips(results),
        strips_words=STRIPS_WORDS,
        interpolation=interpolation(results),
        neighbours=neighbours(results),
        gallery=collapse_gallery(results),
        plots=_rendered(results),
        trials=tables.all_trials(results),
        trials_words=tables.trials_words(results),
        scores=tables.score_table(results),
        provenance=provenance.provenance(results),
        fields=tables.configuration(results),
        facts=provenance.facts(results),
        commands=provenance.commands(results),
        search_words=provenance.search_words(results),
        reports_words=provenance.reports_words(results),
        gaps=results.gaps,
        unreadable_words=provenance.unreadable_words(results),
    )


def summarise(analysis: Analysis) -> dict[str, Any]:
    """The study as study.json holds it: plain types, no NaN (a missing score is null).

    ``best`` is the record of the winner's trial in the search.
    """
    results, found = analysis.results, analysis.importance
    row = results.winning_trial
    return {
        "name": results.spec.name,
        "question": results.spec.question,
        "objective": _objective(results),
        "answer": analysis.answer.headline,
        "confirmation": [
            {name: provenance.json_value(value) for name, value in dataclasses.asdict(one).items()}
            for one in analysis.confirmed
        ],
        "tests": [verdict_record(verdict) for verdict in analysis.verdicts],
        "counts": dict(results.counts),
        "run_on": run_on(results),
        "thumbnail": _thumbnail(results),
        RUNS_KEY: num_runs(results),
        "winner": results.winner and results.winner.to_dict(results.objective),
        "best": None if row is None else provenance.trial_record(results, row),
        "untrained": results.untrained,
        "importance": {"shares": found.shares, "n": found.num_trials, "reason": found.reason},
        "evaluation": results.evaluation,
        "environment": results.environment,
        "study": results.spec.to_dict(),
        "not_recorded": list(results.gaps),
        "unreadable": [dataclasses.asdict(run) for run in results.left_out],
    }


def run_on(results: StudyResults) -> list[str]:
    """The first and the last day (UTC, ISO 8601) on which a trial began; none before any."""
    started = results.trials["started"].dropna()
    return [] if started.empty else [str(day.date()) for day in (started.min(), started.max())]


def _thumbnail(results: StudyResults) -> str | None:
    """Images of the winner's trial as a data URI, for the index of reports; None without any."""
    row = results.winning_trial
    picture = None if row is None else thumbnail(results, row)
    return picture.uri if picture else None


def _objective(results: StudyResults) -> dict[str, str]:
    """Name and direction of the objective, and what it is an average of, if it is one."""
    found = {"metric": results.objective, "direction": results.spec.search.direction}
    return {**found, "words": LATE_WORDS} if results.objective == FID_LATE else found


def _confirmation(analysis: Analysis) -> dict[str, Any] | None:
    """The table and the plot of the winners on fresh seeds; None where there are none."""
    if not analysis.confirmed:
        return None
    results, plot = analysis.results, confirmation_plot(analysis.confirmed)
    return {
        "words": CONFIRMATION_WORDS,
        "table": confirmation_table(analysis.confirmed, results.objective),
        "panels": render(plot, results),
        "caption": plot.caption(results),
        "title": plot.title,
    }


def _plots(results: StudyResults) -> dict[str, Plot]:
    """The registered plots in the order of the page; with arms those that suit them."""
    names = PLOTS.names() if results.spec.arms is None else PLOTS_OF_ARMS
    plots: dict[str, Plot] = {name: PLOTS.get(name) for name in names}
    return dict(sorted(plots.items(), key=lambda item: (item[1].order, item[0])))


def _rendered(results: StudyResults) -> list[tables.Section]:
    """Every plot of the page, drawn."""
    return [
        tables.Section(name, plot.title, plot.caption(results), render(plot, results))
        for name, plot in _plots(results).items()
    ]


def _data(results: StudyResults) -> dict[str, str]:
    """Name of a plot -> what it draws, as CSV."""
    return {name: figure_data(plot, results) for name, plot in _plots(results).items()}
