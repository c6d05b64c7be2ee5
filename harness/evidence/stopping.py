"""``python -m harness.evidence.stopping SOURCE...``: what the collapse alarm would have stopped.

Reads trials that ran to their end with the alarm logged, and asks its rule at each of their
reports. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from harness.cli import options
from harness.cli.app import open_door
from harness.core.errors import InputError
from harness.core.quiet_import import quiet_import
from harness.core.schema import COLLAPSE_PROBABILITY
from harness.outcomes.alarm import LEVEL
from harness.outcomes.late import late_scores
from harness.outcomes.run_table import read_run_table
from harness.reporting.results.load import load_results
from harness.reporting.statistics.estimates import clopper_pearson
from harness.tracking.stores.databases import check_tracking_store
from harness.tracking.stores.layout import default_layout

with quiet_import():
    from harness.evaluation.calibration.snapshots import read_snapshots
    from harness.evaluation.collapse import EVIDENCE, shipped_model
    from harness.search.trial.collapse_stopping import CollapseAlarm

GOOD = 2.0
"""A trial is good whose late fid is at most so many times the best one of its source."""

MOST_STOPPED, FEWEST_TRIALS = 0.02, 100
"""The share of good trials stopped below which the rule may be on by default, and on how many."""


@dataclass(frozen=True)
class Course:
    """A trial that ran to its end. curve: (images_seen, collapse_probability), (seen, fid)."""

    source: str
    alarm: tuple[tuple[int, float], ...]
    fid: tuple[tuple[int, float], ...]

    @property
    def images(self) -> int:
        """The trial's budget: where its last report was."""
        return self.alarm[-1][0]

    @property
    def late_fid(self) -> float:
        """``fid_late`` at the trial's end."""
        return late_scores(list(self.fid), self.images)["fid_late"]

    @property
    def stopped_at(self) -> int | None:
        """The images_seen at which the rule would have stopped the trial; None if nowhere.

        It is asked at the reports at equal distances, as in a search: at multiples of the first.
        """
        rule, first = CollapseAlarm(self.images, LEVEL), self.alarm[0][0]
        for seen, probability in self.alarm:
            # A milestone is a whole number near k times the budget over the reports.
            if abs(seen / first - round(seen / first)) < 0.01 and rule.stays_up(seen, probability):
                return seen
        return None


def stopping(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Recorded studies, tables of runs (FILE.jsonl) or of snapshots (FILE.csv).",
        ),
    ],
    tracking_uri: options.TrackingUri = None,
) -> None:
    """How many trials the alarm would have stopped, and how many of them were good ones.

    Of a table of snapshots the shipped model computes the probabilities anew; elsewhere they are
    those that were logged, by the model of that day.
    """
    table = pd.concat([outcomes(name, list(_read(name, tracking_uri))) for name in sources])
    for name, part in table.groupby("source", sort=False):
        typer.echo(f"{name}: {summary(part)}")
    typer.echo(f"all: {summary(table)}")
    typer.echo(verdict(table))


def outcomes(source: str, courses: list[Course]) -> pd.DataFrame:
    """One row per trial: source, good, stopped, ended_up (the alarm at its last report).

    Raises InputError without a trial.
    """
    if not courses:
        raise InputError(f"{source}: no trial that ran to its end with the alarm logged")
    best = min(course.late_fid for course in courses)
    return pd.DataFrame(
        {
            "source": source,
            "good": [course.late_fid <= GOOD * best for course in courses],
            "stopped": [course.stopped_at is not None for course in courses],
            "ended_up": [course.alarm[-1][1] >= LEVEL for course in courses],
        }
    )


def summary(table: pd.DataFrame) -> str:
    """Trials, those stopped, and how many of them were good or had recovered by their end."""
    good, stopped, up = table["good"], table["stopped"], table["ended_up"]
    return (
        f"{len(table)} trials, {good.sum()} good; stopped {stopped.sum()}, of which "
        f"{(good & stopped).sum()} good and {(~up & stopped).sum()} whose alarm was down at their "
        f"end; not stopped, alarm up at the end {(up & ~stopped).sum()}"
    )


def verdict(table: pd.DataFrame) -> str:
    """The rate of stopped good trials with its 95 % interval, and whether the rule may be on."""
    good = table[table["good"]]
    hits = int(good["stopped"].sum())
    low, high = clopper_pearson(hits, len(good))
    rate = f"good trials stopped: {hits} of {len(good)}, 95 % interval {low:.1%} to {high:.1%}"
    if len(table) < FEWEST_TRIALS:
        return f"{rate}; fewer than {FEWEST_TRIALS} trials: off by default"
    enough = hits < MOST_STOPPED * len(good)
    return f"{rate}; {'below' if enough else 'not below'} {MOST_STOPPED:.0%}"


def _read(source: str, tracking_uri: str | None) -> Iterator[Course]:
    if source.endswith(".csv"):
        yield from _of_snapshots(source)
    elif source.endswith(".jsonl"):
        if not Path(source).is_file():
            raise InputError(f"{source}: no such file")
        for run in read_run_table(Path(source)).values():
            yield from _course(source, run.history)
    else:
        uri = check_tracking_store(tracking_uri or default_layout().tracking_uri)
        results = load_results(uri, source)
        done = results.trials.loc[results.trials["outcome"] == "complete", "number"]
        for _, rows in results.history[results.history["trial"].isin(done)].groupby("trial"):
            curves = {
                str(name): dict(zip(part["images_seen"], part["value"], strict=True))
                for name, part in rows.groupby("metric")
            }
            yield from _course(source, curves)


def _of_snapshots(source: str) -> Iterator[Course]:
    """The trials of the table, but those that ended before the budget of their study."""
    table = read_snapshots(Path(source))
    for _, study in table.groupby("study"):
        budget = study["images_seen"].max()
        for _, rows in study.groupby("trial"):
            if rows["images_seen"].max() == budget:
                evidence = rows[list(EVIDENCE)].to_dict("records")
                found = [
                    shipped_model().probabilities({str(k): v for k, v in row.items()})
                    for row in evidence
                ]
                seen = rows["images_seen"].tolist()
                alarm = [one[COLLAPSE_PROBABILITY] for one in found]
                curves = {
                    COLLAPSE_PROBABILITY: dict(zip(seen, alarm, strict=True)),
                    "fid": dict(zip(seen, rows["fid"], strict=True)),
                }
                yield from _course(source, curves)


def _course(source: str, curves: Mapping[str, Mapping[int, float]]) -> Iterator[Course]:
    """The course with these curves, metric -> {images_seen: value}; none where one is missing."""
    alarm, fid = curves.get(COLLAPSE_PROBABILITY, {}), curves.get("fid", {})
    if alarm and fid:
        yield Course(source, tuple(sorted(alarm.items())), tuple(sorted(fid.items())))


if __name__ == "__main__":
    open_door(stopping)
