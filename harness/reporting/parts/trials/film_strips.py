"""How the images of the first trials came about: the same latents after more and more images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.reporting import formats
from harness.reporting.parts.trials.sample_grid import Sample, sample
from harness.reporting.results.tables import StudyResults

NUM_STRIPS = 3
LATENTS = 4  # images of a frame, one below the other
FRAMES = 9
SCALE = 2

WORDS = (
    "The same latent vectors after more and more training images: a column is one moment, a row "
    "one latent vector, the same in all strips. Below stand the training images seen and, if "
    "that moment was scored, its fid."
)


@dataclass(frozen=True)
class Frame:
    """One moment of a trial: its images, the training images seen, and its score, as texts.

    score: "fid 3.412", "" for a moment that was not scored.
    """

    picture: Sample
    images_seen: str
    score: str


@dataclass(frozen=True)
class FilmStrip:
    """A trial's frames in the order of training."""

    title: str
    words: str
    frames: list[Frame]


def film_strips(results: StudyResults) -> list[FilmStrip]:
    """The strips of the winner and the best other trials, NUM_STRIPS at most, with two frames each.

    A trial of which fewer grids were recorded has none.
    """
    found = (_strip(results, row) for row in _first(results))
    return [strip for strip in found if len(strip.frames) > 1]


def _first(results: StudyResults) -> list[pd.Series]:
    """The winner, those that are not told apart from it, then the best of the search."""
    ranked, winner = results.ranked, results.winner
    if winner is None:
        return []
    numbers = dict.fromkeys([winner.trial, *winner.alike, *ranked["number"].head(NUM_STRIPS)])
    return [ranked[ranked["number"] == n].iloc[0] for n in list(numbers)[:NUM_STRIPS]]


def _strip(results: StudyResults, row: pd.Series) -> FilmStrip:
    number, run_id = int(row["number"]), str(row["run_id"])
    steps = results.grids.steps(run_id)
    places = np.linspace(0, len(steps) - 1, FRAMES).round() if steps else np.array([])
    history = results.history
    rows = history[(history["trial"] == number) & (history["metric"] == "fid")]
    fids = dict(zip(rows["images_seen"], rows["value"], strict=True))
    frames = []
    for step in (steps[int(place)] for place in np.unique(places)):
        alt = f"Images of trial {number} after {step:,} training images"
        picture = sample(results.grids.last(run_id, step), 1, LATENTS, alt, SCALE)
        if picture is not None:
            score = f"fid {formats.score(fids[step])}" if step in fids else ""
            frames.append(Frame(picture, f"{step:,}", score))
    value = f"{results.objective} {formats.score(row[results.objective])}"
    return FilmStrip(f"Trial {number}", f"rank {row['rank']} of the search, {value}", frames)
