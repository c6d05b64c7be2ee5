"""The best completed trials with their images, scores and searched fields; of one study or more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import pandas as pd

from harness.core.schema import (
    COLLAPSE_PROBABILITY,
    COLLAPSED,
    FID_DEBIASED,
    FID_LATE,
    FID_LATE_SPREAD,
    POOR,
    SCORE_INTERVALS,
)
from harness.core.spec.search_space import Domain
from harness.core.spec.study_spec import Choices
from harness.reporting import formats
from harness.reporting.parts.tables import Table
from harness.reporting.parts.trials.sample_grid import Sample, sample
from harness.reporting.results.outcomes import alarm_of
from harness.reporting.results.tables import StudyResults, param_column

ROWS = 50
"""The most rows of a leaderboard; the table of all trials and runs.csv have the others."""

SCORES = (
    "fid",
    FID_DEBIASED,
    "kid",
    "modes_captured",
    "vendi_ratio",
    COLLAPSE_PROBABILITY,
)
"""The scores of the leaderboard, besides the objective; the page's table of scores has them all."""

SHORT_ID = 8  # digits of a run's id, which has 32: enough to tell the runs of a store apart
THUMBNAIL = (4, 2)  # columns and rows of images

_BRACKETS = (FID_DEBIASED,)  # the scores whose interval stands in the leaderboard
_INTERVAL_WORDS = (
    "fid_debiased: fid of the last report without its sample-size bias. Brackets: its 95 % "
    "interval over new samples of images alone, of the same generator and of real ones; how fid "
    "swings between reports and what another seed gives are not in it."
)

MARKS = {COLLAPSED: " \N{DAGGER}", POOR: " \N{DOUBLE DAGGER}"}
"""What the alarm says of a trial -> the mark beside its number."""


def leaderboard(results: StudyResults) -> Table:
    """The best completed trials with images, scores and the searched fields, the winner marked.

    They are ranked by the search's own score; a winner of a lower rank is the last row.
    """
    ranked, winner = results.ranked, results.winning_trial
    shown = ranked.head(ROWS)
    if winner is not None and winner["rank"] > ROWS:
        shown = ranked[ranked["rank"].lt(ROWS) | ranked["rank"].eq(winner["rank"])]
    marked = None if winner is None else list(shown["rank"]).index(winner["rank"])
    table = _table({results.spec.name: results}, shown, _note(results, shown, marked))
    return Table(table.columns, table.rows, table.numeric, table.note, marked)


def joint_leaderboard(studies: Sequence[StudyResults], joint: pd.DataFrame) -> Table:
    """The best trials of several studies, with a column of the study; ``joint`` ranks them."""
    shown, total = joint.head(ROWS), formats.count(len(joint), "completed trial")
    note = f"n = {total} of {len(studies)} studies, by the score in the search"
    if len(joint) > ROWS:
        note = f"{ROWS} of {note}"
    by_name = {one.spec.name: one for one in studies}
    said = {alarm_of(by_name[str(row["study"])], row) for _, row in shown.iterrows()}
    return _table(by_name, shown, _with_marks(note, said))


def _table(studies: Mapping[str, StudyResults], shown: pd.DataFrame, note: str) -> Table:
    """A row for each of ``shown``; with several ``studies`` its column ``study`` says whose."""
    first, several = next(iter(studies.values())), len(studies) > 1
    late = [FID_LATE_SPREAD] if first.objective == FID_LATE else []
    names = [first.objective, *late, *SCORES]
    known = {name for one in studies.values() for name in one.metrics}
    scores = [name for name in dict.fromkeys(names) if name in known]
    space: dict[str, Domain] = {}
    for one in studies.values():
        space |= {name: domain for name, domain in one.spec.space.items() if name not in space}
    time = ["train_seconds"] if "train_seconds" in known else []
    rows = []
    for _, row in shown.iterrows():
        name = str(row["study"]) if several else first.spec.name
        values = [_score_with_interval(row, score) for score in scores]
        values += [formats.number(row[param_column(field)]) for field in space]
        values += [formats.duration(row[seconds]) for seconds in time]
        start = [str(row["rank"]), *([name] if several else [])]
        rows.append([*start, *_identity(studies[name], row), *values])
    texts = [isinstance(d, Choices) and isinstance(d.values[0], str) for d in space.values()]
    head = ["rank", *(["study"] if several else []), "trial", "samples", "run"]
    numeric = [True, *([False] if several else []), True, False, False]
    numeric += [*[True for _ in scores], *[not text for text in texts], *[True for _ in time]]
    columns = [*head, *scores, *space, *(["training"] if time else [])]
    return Table(columns, rows, numeric, note)


def _identity(results: StudyResults, row: pd.Series) -> list[str | Sample]:
    """The trial's number, its images and the start of its run's id."""
    number, run_id = int(row["number"]), str(row["run_id"])
    picture = thumbnail(results, row)
    mark = MARKS.get(alarm_of(results, row), "")
    return [f"{number}{mark}", picture or formats.MISSING, run_id[:SHORT_ID]]


def thumbnail(results: StudyResults, row: pd.Series) -> Sample | None:
    """The first images of a trial at its end, at their own size; None where not recorded."""
    png = results.grids.last(str(row["run_id"]))
    return sample(png, *THUMBNAIL, alt=f"Images of trial {row['number']}")


def _note(results: StudyResults, shown: pd.DataFrame, marked: int | None) -> str:
    """How many trials are shown, and what their scores are."""
    total = len(results.ranked)
    note = f"n = {formats.count(total, 'completed trial')}"
    if total > ROWS:
        note = f"{ROWS} of n = {total:,} completed trials"
    if marked:
        note += ", by their score in the search; the winner on fresh seeds is marked"
    if results.objective == FID_LATE and FID_LATE_SPREAD in results.metrics:
        note += ". fid_late_spread: standard deviation of log fid over the reports behind fid_late"
    brackets = [name for name in _BRACKETS if name in results.metrics]
    if any(SCORE_INTERVALS[name][0] in results.metrics for name in brackets):
        note = f"{note.rstrip('.')}. {_INTERVAL_WORDS}"
    return _with_marks(note, {alarm_of(results, row) for _, row in shown.iterrows()})


def _with_marks(note: str, said: Set[str]) -> str:
    """``note`` and what the marks beside numbers mean, of the words that the alarm ``said``."""
    for word, mark in MARKS.items():
        if word in said:
            note = f"{note.rstrip('.')}. {mark.strip()} = {word}, says the alarm"
    return note


def _score_with_interval(row: pd.Series, name: str) -> str:
    """The score, with its interval in brackets where it has one in the leaderboard."""
    value = formats.score(row[name])
    if name not in _BRACKETS:
        return value
    low, high = (formats.score(row.get(end)) for end in SCORE_INTERVALS[name])
    return value if formats.MISSING in (low, high) else f"{value} ({low} to {high})"
