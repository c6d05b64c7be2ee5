"""Trials that raised the collapse alarm: their images, and the scores that the alarm saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from harness.core.schema import COLLAPSE_PROBABILITY, PRUNED_BY_COLLAPSE
from harness.reporting import formats
from harness.reporting.parts.trials.sample_grid import Sample, sample
from harness.reporting.results.outcomes import collapse_level
from harness.reporting.results.tables import StudyResults

MOST_SHOWN = 6
COLUMNS = ROWS = 4
SCALE = 2

SEEN = {
    "modes_captured": "classes captured",
    "mode_jsd": "imbalance of classes (mode_jsd)",
    "support_size": "different images (support_size)",
    "ms_ssim": "likeness within a class (ms_ssim)",
}
"""The scores that the alarm is computed from, and what they are."""


@dataclass(frozen=True)
class Collapsed:
    """A trial at the alarm: its images, None where not recorded, and (what, value, real value)."""

    title: str
    words: str
    picture: Sample | None
    seen: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Gallery:
    """The trials that raised the alarm, the most certain first, and words about all of them."""

    words: str
    trials: list[Collapsed]


def collapse_gallery(results: StudyResults) -> Gallery | None:
    """The gallery; None where no level of the alarm was recorded, or no trial was run."""
    level = collapse_level(results)
    if level is None or COLLAPSE_PROBABILITY not in results.trials or results.trials.empty:
        return None
    scored = results.trials.dropna(subset=[COLLAPSE_PROBABILITY])
    raised = scored[scored[COLLAPSE_PROBABILITY] >= level]
    raised = raised.sort_values([COLLAPSE_PROBABILITY, "number"], ascending=[False, True])
    shown = [_collapsed(results, row, level) for _, row in raised.head(MOST_SHOWN).iterrows()]
    return Gallery(_words(len(raised), len(scored), level), shown)


def _words(raised: int, scored: int, level: float) -> str:
    if not raised:
        return f"The alarm was down at the last report of all {formats.count(scored, 'trial')}."
    text = (
        f"At its last report, {raised:,} of {formats.count(scored, 'trial')} had a "
        f"collapse_probability of {formats.number(level)} or more. Beside each score that the "
        f"alarm is computed from stands what real images read."
    )
    return text + (f" Shown: the {MOST_SHOWN} most certain." if raised > MOST_SHOWN else "")


def _collapsed(results: StudyResults, row: pd.Series, level: float) -> Collapsed:
    number, probability = int(row["number"]), float(row[COLLAPSE_PROBABILITY])
    alt = f"Images of trial {number}, which raised the collapse alarm"
    picture = sample(results.grids.last(str(row["run_id"])), COLUMNS, ROWS, alt, SCALE)
    words = f"collapse_probability {probability:.2f}; {_since(results, number, level)}"
    if row["pruned_by"] == PRUNED_BY_COLLAPSE:
        words += f"; stopped by the alarm at {row['images_seen']:,}"
    return Collapsed(f"Trial {number}", words, picture, _seen(results, row))


def _since(results: StudyResults, number: int, level: float) -> str:
    """From which report on the alarm was up without a break."""
    history = results.history
    own = history[(history["trial"] == number) & (history["metric"] == COLLAPSE_PROBABILITY)]
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
        found.append((what, formats.score(row[name]), formats.score(real)))
    return found
