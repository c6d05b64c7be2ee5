"""Images on the way from one latent vector to another, of the winner's generator."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.schema import INTERPOLATION_FILE
from harness.reporting.parts.trials.sample_grid import Sample, sample
from harness.reporting.results.tables import StudyResults, param_column

COLUMNS, ROWS = 8, 4
SCALE = 2


@dataclass(frozen=True)
class Interpolation:
    """The images, a row for each pair of latent vectors, and what they are."""

    words: str
    picture: Sample


def interpolation(results: StudyResults) -> Interpolation | None:
    """The interpolation of the winner; None for arms, and where its run has kept none."""
    winner, row = results.winner, results.winning_trial
    if winner is None or row is None:
        return None
    png = results.grids.image(str(row["run_id"]), INTERPOLATION_FILE)
    alt = f"Rows of images of trial {winner.trial} between two latent vectors each"
    picture = sample(png, COLUMNS, ROWS, alt, SCALE)
    if picture is None:
        return None
    straight = row.get(param_column("latent_distribution")) == "uniform"
    way = "a straight line, inside of the cube that they are drawn from" if straight else _ARC
    words = (
        f"Each row of trial {winner.trial} goes in equal steps from one latent vector to another, "
        f"along {way}. Images that change bit by bit speak for a generator that has learnt more "
        f"than single images; jumps from one image to the next, for copies or for collapse."
    )
    return Interpolation(words, picture)


_ARC = (
    "a great circle: halfway on a straight line the vectors would be shorter than almost all that "
    "training has seen"
)
