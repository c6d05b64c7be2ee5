"""Samples of the winner, each beside the training image that lies nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.core.schema import NEAREST_TRAINING_FILE, NEAREST_TRAINING_RECORD_FILE
from harness.reporting import formats
from harness.reporting.parts.trials.sample_grid import Sample, sample
from harness.reporting.results.evaluation import perfect_score
from harness.reporting.results.tables import StudyResults

MOST_PAIRS = 16
SCALE = 2


@dataclass(frozen=True)
class Pair:
    """A sample above its nearest training image; distance and share of nearer real ones, texts."""

    picture: Sample
    distance: str
    nearer: str


@dataclass(frozen=True)
class Neighbours:
    """The pairs of the winner and what they are."""

    words: str
    pairs: list[Pair]


def neighbours(results: StudyResults) -> Neighbours | None:
    """The pairs of the winner; None for arms, and where its run has kept none that can be read."""
    winner, row = results.winner, results.winning_trial
    if winner is None or row is None:
        return None
    run_id = str(row["run_id"])
    record = results.grids.record(run_id, NEAREST_TRAINING_RECORD_FILE)
    png = results.grids.image(run_id, NEAREST_TRAINING_FILE)
    distances, shares = (_numbers(record, name) for name in ("distances", "held_out_nearer"))
    pairs = []
    for index, (distance, share) in enumerate(zip(distances, shares, strict=False)):
        alt = f"Sample {index + 1} of trial {winner.trial} and the training image nearest to it"
        picture = sample(png, 1, 2, alt, SCALE, first=2 * index)
        if picture is not None:
            pairs.append(Pair(picture, formats.score(distance), f"{share:.0%}"))
    return Neighbours(_words(results, row, record, shares), pairs) if pairs else None


def _numbers(record: dict[str, Any], name: str) -> list[float]:
    """The list of numbers ``name``; empty for anything else that a store may hold."""
    found = record.get(name)
    listed = found if isinstance(found, list) else []
    numbers = [value for value in listed if isinstance(value, int | float)]
    return numbers[:MOST_PAIRS] if len(numbers) == len(listed) else []


def _words(
    results: StudyResults, row: pd.Series, record: dict[str, Any], shares: list[float]
) -> str:
    real, training = (formats.number(record.get(f"num_{k}")) for k in ("held_out", "training"))
    closer = sum(share < 0.05 for share in shares)
    text = (
        f"Samples of trial {row['number']}, each above the nearest of the {training} training "
        f"images, in the features in which copies are scored. Below stand the distance and the "
        f"share of {real} held-out real images that lie nearer to a training image, whose median "
        f"distance is {formats.score(record.get('held_out_median'))}: 0% is what a copy reads, new "
        f"images of the real distribution read anything from 0% to 100%, and poor ones 100%. "
        f"{closer} of these {len(shares)} lie nearer than 95% of the real ones; one in twenty real "
        f"images does."
    )
    scores = [_score(results, row, name, words) for name, words in _SCORES.items()]
    return " ".join([text, *filter(None, scores)])


def _score(results: StudyResults, row: pd.Series, name: str, words: str) -> str:
    """What a score of copying says of all generated images; "" where it was not computed."""
    value = row.get(name)
    if value is None or pd.isna(value):
        return ""
    real = perfect_score(results.evaluation, name)
    beside = "" if pd.isna(real) else f" (real images: {formats.score(real)})"
    return f"Over all that were scored, {name} is {formats.score(value)}{beside}{words}."


_SCORES = {
    "authentic_fraction": ", the share that is no nearer to a training image than the next "
    "training image is",
    "copying_ct": ", far below 0 where samples lie nearer to training images than held-out ones do",
}
