"""Trials that the alarm calls collapsed or poor: their images, and the scores that it saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from harness.core.schema import (
    COLLAPSE_PROBABILITY,
    COLLAPSED,
    POOR,
    POOR_PROBABILITY,
    PRUNED_BY_COLLAPSE,
)
from harness.reporting import formats
from harness.reporting.parts.trials.sample_grid import Sample, sample
from harness.reporting.results.outcomes import alarm_of, collapse_level
from harness.reporting.results.tables import StudyResults

MOST_SHOWN = 6
SCORE_OF = {COLLAPSED: COLLAPSE_PROBABILITY, POOR: POOR_PROBABILITY}
COLUMNS = ROWS = 4
SCALE = 2

SEEN = {
    "modes_captured": "classes captured",
    "mode_jsd": "imbalance of classes (mode_jsd)",
    "support_size": "different images (support_size)",
    "ms_ssim": "likeness within a class (ms_ssim)",
    "vendi_ratio": "diversity (vendi_ratio)",
    "precision": "like real images (precision)",
}
"""The scores that the alarm is computed from, and what they are."""


@dataclass(frozen=True)
class Collapsed:
    """A trial that the alarm names. picture: None where not recorded; seen: (what, value, real)."""

    title: str
    words: str
    picture: Sample | None
    seen: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Gallery:
    """Collapsed trials, the most certain first, then poor ones, and words about all of them."""

    words: str
    trials: list[Collapsed]


def collapse_gallery(results: StudyResults) -> Gallery | None:
    """The gallery; None where no level of the alarm was recorded, or no trial was run."""
    level = collapse_level(results)
    if level is None or COLLAPSE_PROBABILITY not in results.trials or results.trials.empty:
        return None
    scored = results.trials.dropna(subset=[COLLAPSE_PROBABILITY])
    said = scored.assign(said=[alarm_of(results, row) for _, row in scored.iterrows()])
    raised = pd.concat([_of(said, COLLAPSED), _of(said, POOR)])
    shown = [_shown(results, row, level) for _, row in raised.head(MOST_SHOWN).iterrows()]
    return Gallery(_words(said["said"], level), shown)


def _of(said: pd.DataFrame, word: str) -> pd.DataFrame:
    """The rows of which the alarm says ``word``, the most certain first."""
    rows, score = said[said["said"] == word], SCORE_OF[word]
    return rows.sort_values([score, "number"], ascending=[False, True]) if len(rows) else rows


def _words(said: pd.Series, level: float) -> str:
    counts = {word: int((said == word).sum()) for word in SCORE_OF}
    raised = sum(counts.values())
    trials = formats.count(len(said), "trial")
    if not raised:
        return f"The alarm was down at the last report of all {trials}."
    found = [
        f"{count:,} of {trials} had a {SCORE_OF[word]} of {formats.number(level)} or more ({word})"
        for word, count in counts.items()
        if count
    ]
    text = (
        f"At the last report, {' and '.join(found)}. Beside each score that the alarm is computed "
        "from stands what real images read."
    )
    return text + (f" Shown: the {MOST_SHOWN} most certain." if raised > MOST_SHOWN else "")


def _shown(results: StudyResults, row: pd.Series, level: float) -> Collapsed:
    number, word = int(row["number"]), str(row["said"])
    score = SCORE_OF[word]
    alt = f"Images of trial {number}, {word}"
    picture = sample(results.grids.last(str(row["run_id"])), COLUMNS, ROWS, alt, SCALE)
    words = f"{word}; {score} {row[score]:.2f}; {_since(results, number, level, score)}"
    if row["pruned_by"] == PRUNED_BY_COLLAPSE:
        words += f"; stopped by the alarm at {row['images_seen']:,}"
    return Collapsed(f"Trial {number}", words, picture, _seen(results, row))


def _since(results: StudyResults, number: int, level: float, score: str) -> str:
    """From which report on ``score`` was at the level without a break."""
    history = results.history
    own = history[(history["trial"] == number) & (history["metric"] == score)]
    down = own[own["value"] < level]["images_seen"].max()
    up = own if pd.isna(down) else own[own["images_seen"] > down]
    if len(up) == len(own):
        return "up from the first report on"
    return f"up since {up['images_seen'].min():,} training images"


def _seen(results: StudyResults, row: pd.Series) -> list[tuple[str, str, str]]:
    records = results.evaluation.get("metrics")
    records = records if isinstance(records, Mapping) else {}
    found = []
    for name, what in SEEN.items():
        if name not in row or pd.isna(row[name]):
            continue
        record = records.get(name)
        real = record.get("perfect") if isinstance(record, Mapping) else None
        sizes = [results.evaluation.get(f"num_{kind}_samples") for kind in ("fake", "perfect")]
        own, of_real = (
            formats.scored(name, value, size)
            for value, size in zip((row[name], real), sizes, strict=True)
        )
        found.append((what, own, of_real))
    return found
