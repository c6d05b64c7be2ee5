"""Share of the fakes that are no near-copies of a training image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import squared_distances

MOST_TRAINING = 10_000
"""Training images that are searched; of more, so many are drawn, always the same ones."""


@metric(
    direction="maximize",
    low=0.0,
    high=1.0,
    unit="share of generated images",
    source="Alaa et al. 2022, section 3 (authenticity); on at most 10,000 training images",
    needs_training=True,
)
def authentic_fraction(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Share of the fakes that lie farther from the nearest training image than its neighbour does.

    A fake is no authentic one if it lies closer to a training image than any other training image
    does: 0 for a generator of copies. Fresh real images do so too, now and then, so a generator
    without error reads what they read, and a bad one, whose images lie far from all real ones, 1:
    the score says nothing of quality or diversity. Deterministic; ``rng`` is unused. Raises
    InputError for a ``real`` without training images.
    """
    if real.training is None:
        raise InputError("authentic_fraction takes a real sample with its training images")
    training, spacing = real.derived("spacing", lambda: _spaced(real.training))
    authentic = np.empty(len(fake), np.bool_)
    for rows, block in squared_distances(fake.features, training):
        nearest = block.argmin(axis=1)
        authentic[rows] = spacing[nearest] < block[np.arange(len(block)), nearest]
    return float(authentic.mean())


def _spaced(training: Sample | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (T, d) of the training images searched, and squared distances to the next, (T,)."""
    assert training is not None
    some = training.take(min(MOST_TRAINING, len(training)), np.random.default_rng(0)).features
    spacing = np.empty(len(some))
    for rows, block in squared_distances(some, some):
        own = np.arange(len(block))
        block[own, rows.start + own] = np.inf
        spacing[rows] = block.min(axis=1)
    return some, spacing
