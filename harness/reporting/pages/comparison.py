"""Several studies side by side: one leaderboard and the same axes, where their scores compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.core.errors import InputError
from harness.core.replace_files import replace_files
from harness.core.schema import FID_LATE
from harness.core.spec.names import derived_name
from harness.outcomes.late import LATE_WORDS
from harness.reporting import formats
from harness.reporting.csv_file import csv_text
from harness.reporting.html import render_template
from harness.reporting.pages.comparison_plots import MARKERS, progress_plot, scores_plot
from harness.reporting.pages.fewer_runs import RUNS_KEY, check_not_fewer
from harness.reporting.pages.study import DATA_FOLDER, PAGE_FILE, TABLE_FILE, num_runs, run_on
from harness.reporting.parts.figures import figure_data, render
from harness.reporting.parts.provenance import facts
from harness.reporting.parts.search_answer import not_inception
from harness.reporting.parts.tables import Section, Table
from harness.reporting.parts.trials.leaderboard import joint_leaderboard, thumbnail
from harness.reporting.results.comparable import joint_ranking
from harness.reporting.results.tables import StudyResults

SUMMARY_FILE = "comparison.json"
MOST_STUDIES = len(MARKERS)
LONGEST_NAME = 200  # of a folder


def comparison_name(names: Sequence[str]) -> str:
    """The name of the comparison's folder; no study can have it, since ``+`` is in no name."""
    return derived_name("+".join(names), "", LONGEST_NAME)


def check_names(names: Sequence[str]) -> None:
    """Raise InputError for too many studies, and for one that is named twice."""
    if len(names) > MOST_STUDIES:
        raise InputError(f"{len(names)} studies to compare; allowed: 2 to {MOST_STUDIES}")
    if len({name.casefold() for name in names}) < len(names):
        raise InputError(f"a study is compared with itself: {', '.join(names)}; allowed: others")


def write_comparison(
    studies: Sequence[StudyResults], output_dir: Path, *, force: bool = False
) -> Path:
    """The path of the page, written with runs.csv, comparison.json and data/ into ``output_dir``.

    runs.csv has the completed trials of all, ranked. Errors as for ``write_report``; also
    InputError where the scores of two studies do not compare, in one line that says why.
    """
    joint = joint_ranking(studies)
    runs = sum(num_runs(one) for one in studies)
    check_not_fewer(output_dir / SUMMARY_FILE, runs, force)
    output_dir.mkdir(parents=True, exist_ok=True)  # told before the page is drawn, not after
    summary = {**summarise(studies, joint), RUNS_KEY: runs}
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    data = {name: figure_data(plot, studies[0]) for name, plot in _plots(studies).items()}
    texts = {
        TABLE_FILE: csv_text(joint),
        SUMMARY_FILE: text + "\n",
        **{f"{DATA_FOLDER}/{name}.csv": table for name, table in data.items()},
        PAGE_FILE: render_comparison(studies, joint),
    }
    replace_files({output_dir / name: text for name, text in texts.items()})
    return output_dir / PAGE_FILE


def render_comparison(studies: Sequence[StudyResults], joint: pd.DataFrame) -> str:
    """The page as one self-contained HTML text. joint: the ``joint_ranking`` of the studies."""
    plots = [
        Section(name, plot.title, plot.caption(studies[0]), render(plot, studies[0]))
        for name, plot in _plots(studies).items()
    ]
    return render_template(
        "comparison.html",
        script="study.js",
        names=[one.spec.name for one in studies],
        headline=headline(studies, joint),
        caveats=caveats(studies),
        studies=_studies(studies),
        leaderboard=joint_leaderboard(studies, joint),
        late_words=LATE_WORDS if studies[0].objective == FID_LATE else "",
        plots=plots,
    )


def summarise(studies: Sequence[StudyResults], joint: pd.DataFrame) -> dict[str, Any]:
    """The comparison as comparison.json holds it: plain types."""
    days = [day for one in studies for day in run_on(one)]
    best = next((one for one in studies if len(joint) and one.spec.name == joint["study"][0]), None)
    picture = thumbnail(best, joint.iloc[0]) if best else None
    return {
        "name": comparison_name([one.spec.name for one in studies]),
        "studies": [one.spec.name for one in studies],
        "question": f"How do {formats.listing([one.spec.name for one in studies])} compare?",
        "objective": studies[0].objective,
        "answer": headline(studies, joint),
        "winners": {
            one.spec.name: one.winner and one.winner.to_dict(one.objective) for one in studies
        },
        "counts": {"complete": len(joint)},
        "run_on": [min(days), max(days)] if days else [],
        "thumbnail": picture.uri if picture else None,
    }


def headline(studies: Sequence[StudyResults], joint: pd.DataFrame) -> str:
    """The best score of each study, the best study first."""
    if joint.empty:
        return "No trial of these studies was completed."
    first = joint.drop_duplicates("study")
    metric = studies[0].objective
    parts = [
        f"{row['study']} {formats.score(row[metric])} (trial {row['number']})"
        for _, row in first.iterrows()
    ]
    return f"Best {metric} in the search: {formats.listing(parts)}."


def caveats(studies: Sequence[StudyResults]) -> list[str]:
    """What limits the comparison."""
    found = [
        "A best score is that of one seed, chosen for its score: of the study with more trials it "
        "is the more optimistic one. Seeds decide between studies, as a study of arms does."
    ]
    budgets = {one.spec.name: one.spec.base_config().images for one in studies}
    if len(set(budgets.values())) > 1:
        parts = [f"{name} {formats.number(images)}" for name, images in budgets.items()]
        found.append(f"Trials had different budgets of training images: {formats.listing(parts)}.")
    return [*found, *filter(None, [not_inception(studies[0])])]


def _plots(studies: Sequence[StudyResults]) -> dict[str, Any]:
    return {"scores": scores_plot(studies), "progress": progress_plot(studies)}


def _studies(studies: Sequence[StudyResults]) -> Table:
    """One row per study: what it asks, its own winner in words, what it has run."""
    rows = []
    for one in studies:
        known = dict(facts(one))
        words = one.winner.words(one.objective) if one.winner else "No winner."
        names = ("trials", "images per trial", "computing time", "run on")
        shown = [known.get(name, formats.MISSING) for name in names]
        rows.append([one.spec.name, one.spec.question, words, *shown])
    columns = ["study", "question", "winner", "trials", "images per trial", "computing time"]
    return Table([*columns, "run on"], rows, [False, False, False, True, True, True, False])
