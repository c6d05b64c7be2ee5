"""The tables of a study's page, as texts for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.core.config import FIELDS, TrialConfig
from harness.core.schema import COLLAPSE_PROBABILITY, COLLAPSED, FID_INTERVAL, POOR_PROBABILITY
from harness.core.spec.study_spec import Choices, Range
from harness.reporting import formats
from harness.reporting.parts.figures import Panel
from harness.reporting.parts.trials.sample_grid import Sample
from harness.reporting.results.outcomes import alarm_of
from harness.reporting.results.tables import StudyResults, param_column

SHOWN_PANELS = 6
TRIAL_ROWS = 1_000
"""The most rows of a page's table of trials; runs.csv has all."""


@dataclass(frozen=True)
class Section:
    """A drawn plot with its words; panels after the first ``shown`` are folded."""

    name: str
    title: str
    caption: str
    panels: list[Panel]
    shown: int = SHOWN_PANELS


@dataclass(frozen=True)
class Table:
    """Cells of a table: numeric columns are marked, so that they align by their digits.

    A cell is text, or images of a trial. marked: the index of a row that stands out, the winner's.
    """

    columns: list[str]
    rows: Sequence[Sequence[str | Sample]]
    numeric: list[bool]
    note: str = ""
    marked: int | None = None


def all_trials(results: StudyResults) -> Table:
    """The first TRIAL_ROWS trials: end and reason, images seen, score and configuration."""
    arms = ["arm", param_column("seed")] if results.spec.arms is not None else []
    space = list(results.spec.space)
    rows = []
    for _, row in results.trials.head(TRIAL_ROWS).iterrows():
        value = formats.score(row.get(results.objective))
        if row["outcome"] != "complete" and value != formats.MISSING:
            value = f"({value})"
        rows.append(
            [
                str(row["number"]),
                *(formats.number(row[name]) for name in arms),
                _state_words(row),
                _reason(results, row),
                formats.number(row["images_seen"]),
            ]
            + [value]
            + [formats.number(row[param_column(name)]) for name in space]
            + [str(row["run_id"])]
        )
    texts = [isinstance(d, Choices) and isinstance(d.values[0], str) for d in _domains(results)]
    columns = ["trial", *(["arm", "seed"] if arms else []), "ended", "reason", "images seen"]
    numeric = [True, *([False, True] if arms else []), False, False, True, True]
    return Table(
        [*columns, results.objective, *space, "run"],
        rows,
        [*numeric, *[not text for text in texts], False],
        "Scores in brackets are the last interim scores of trials that did not complete.",
    )


def trials_words(results: StudyResults) -> str:
    """How many trials the table of ``all_trials`` shows, and of how many."""
    number = len(results.trials)
    if number <= TRIAL_ROWS:
        return formats.count(number, "trial")
    return f"The first {TRIAL_ROWS:,} of {number:,} trials, which are all in runs.csv"


def score_table(results: StudyResults) -> Table:
    """Each score of the winner, of an untrained generator and of real images, and its meaning."""
    records = results.evaluation.get("metrics", {})
    records = records if isinstance(records, Mapping) else {}
    winner = results.winning_trial
    scores = pd.Series(dtype="object") if winner is None else winner
    fakes = results.evaluation.get("num_fake_samples")
    perfect = results.evaluation.get("num_perfect_samples")
    rows = [
        [
            name,
            formats.scored(name, scores.get(name), fakes),
            formats.scored(name, results.untrained.get(name), fakes),
            formats.scored(name, _number(record.get("perfect")), perfect),
            _better_words(record),
            _range_words(record),
            " ".join(filter(None, (str(record.get("summary") or ""), _source(record)))),
        ]
        for name, record in records.items()
        if isinstance(record, Mapping)
    ]
    columns = ["score", _winner_words(results), "untrained", "perfect", "better", "range"]
    columns.append("meaning and source")
    numeric = [False, True, True, True, False, False, False]
    return Table(columns, rows, numeric, _scale_words(results.evaluation, records))


def _better_words(record: Mapping[str, Any]) -> str:
    """Where a score is better: "lower", "higher", or near its target."""
    if (target := _number(record.get("target"))) is not None:
        return f"near {formats.number(target)}"
    words = {"minimize": "lower", "maximize": "higher"}
    return words.get(str(record.get("direction")), formats.MISSING)


def configuration(results: StudyResults) -> Table:
    """Every field: its fixed value, or what was searched, and the winner's value."""
    base = TrialConfig.from_dict(results.spec.base)
    row = results.winning_trial
    rows = []
    for name in FIELDS:
        domain = results.spec.space.get(name)
        words = formats.number(getattr(base, name)) if domain is None else _domain_words(domain)
        best = formats.MISSING if row is None else formats.number(row[param_column(name)])
        if results.spec.arms is not None and name in results.spec.arms.varied:
            rows.append([name, "by arm", "see the arms", formats.MISSING])
        else:
            rows.append([name, "searched" if domain else "fixed", words, best])
    if results.spec.arms is not None:
        return Table(["field", "role", "values"], [row[:3] for row in rows], [False] * 3)
    return Table(["field", "role", "values", _winner_words(results)], rows, [False] * 4)


def _winner_words(results: StudyResults) -> str:
    """The heading of a column about the winner's trial."""
    return f"winner, trial {results.winner.trial}" if results.winner else "best trial"


def _domains(results: StudyResults) -> list[Choices | Range]:
    return list(results.spec.space.values())


def _state_words(row: pd.Series) -> str:
    return "completed" if row["outcome"] == "complete" else str(row["outcome"])


def _reason(results: StudyResults, row: pd.Series) -> str:
    """Why a trial did not complete, which trial it repeats, and what the alarm says."""
    parts = []
    if isinstance(row["failure"], str) and row["outcome"] == "failed":
        parts.append(row["failure"])
    if isinstance(row["pruned_by"], str):
        parts.append(f"by {row['pruned_by']}")
    if isinstance(row["retry_of"], str):
        parts.append(f"repeats trial {row['retry_of']}")
    if word := alarm_of(results, row):
        score = COLLAPSE_PROBABILITY if word == COLLAPSED else POOR_PROBABILITY
        parts.append(f"{word} ({score} {row[score]:.2f})")
    return "; ".join(parts)


def _scale_words(evaluation: Mapping[str, Any], records: Mapping[str, Any]) -> str:
    """What the column "perfect" shows, null level and interval of fid, if they were recorded."""
    words = []
    count = _number(evaluation.get("num_perfect_samples"))
    if count is not None:
        source = evaluation.get("perfect_samples_from", "the dataset")
        words.append(f"Perfect: {formats.number(count)} real images in place of generated ones")
        words[0] += f", from the {source}."
    fid = records.get("fid")
    level = _number(fid.get("null_level")) if isinstance(fid, Mapping) else None
    if level is not None:
        words.append(
            f"At these sample sizes fid reads {formats.number(level)} on average for a generator "
            "without any error (its null level, by formula); only the part above it is distance."
        )
    absent = evaluation.get("absent")
    if isinstance(absent, Mapping) and absent:
        by_reason: dict[str, list[str]] = {}
        for name, reason in absent.items():
            by_reason.setdefault(str(reason), []).append(str(name))
        words += [f"Not computed, since {why}: {', '.join(n)}." for why, n in by_reason.items()]
    if interval := evaluation.get(FID_INTERVAL):
        words.append(f"Interval of fid: {interval}.")
    return " ".join(words)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _range_words(record: Mapping[str, Any]) -> str:
    low, high = record.get("low"), record.get("high")
    unit = str(record.get("unit") or "")
    if low is None and high is None:
        words = "any"
    elif high is None:
        words = f"from {formats.number(low)}"
    elif low is None:
        words = f"up to {formats.number(high)}"
    else:
        words = f"{formats.number(low)} to {formats.number(high)}"
    return f"{words} ({unit})" if unit else words


def _source(record: Mapping[str, Any]) -> str:
    return f"[{record['source']}]" if record.get("source") else ""


def _domain_words(domain: Choices | Range) -> str:
    if isinstance(domain, Choices):
        return ", ".join(formats.number(value) for value in domain.values)
    words = f"{formats.number(domain.low)} to {formats.number(domain.high)}"
    return f"{words}, logarithmic" if domain.log else words
