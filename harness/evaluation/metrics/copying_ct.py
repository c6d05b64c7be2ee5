"""Whether fakes lie nearer to the training images than held-out images do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import squared_distances

FEWEST = 20
"""Images of each side that a class needs for the normal approximation of its statistic."""


@metric(
    direction="maximize",
    target=0.0,
    unit="standard errors",
    source="Meehan et al. 2020 (C_T); cells are the classes that the classifier sees",
    needs_training=True,
    needs_classes=True,
)
def copying_ct(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Mean over the classes of the Mann-Whitney z of distances to the nearest training image.

    Negative where fakes lie nearer to training images than held-out real images do: far below 0 is
    a generator that copies. About 0 for new images of the real distribution, within 1 or so; far
    above 0 where images are poor, which is no fault of this kind. Classes with fewer than 20 images
    of a side are left out, and weighted by the real images; where all are, one cell holds every
    image. Deterministic; ``rng`` is unused. Raises InputError without training images.
    """
    training = real.training
    if training is None:
        raise InputError("copying_ct takes a real sample with its training images")
    held_out = real.derived("copying_distances", lambda: _distances(real, training))
    distances = _distances(fake, training)
    labels = np.unique(training.labels)
    cells = [
        (held_out[real.labels == label], distances[fake.labels == label])
        for label in labels
        if min((real.labels == label).sum(), (fake.labels == label).sum()) >= FEWEST
    ] or [(held_out, distances)]
    weights = np.array([len(of_real) for of_real, _ in cells])
    scores = np.array([_z(of_real, of_fake) for of_real, of_fake in cells])
    return float(weights @ scores / weights.sum())


def _distances(sample: Sample, training: Sample) -> NDArray[np.float64]:
    """Squared distance of each image to the nearest training image of its class, else of all."""
    nearest = np.empty(len(sample))
    for label in np.unique(sample.labels):
        own = np.flatnonzero(sample.labels == label)
        candidates = training.features[training.labels == label]
        for rows, block in squared_distances(
            sample.features[own], candidates if len(candidates) else training.features
        ):
            nearest[own[rows]] = block.min(axis=1)
    return nearest


def _z(held_out: NDArray[np.float64], fake: NDArray[np.float64]) -> float:
    """The standardized Mann-Whitney statistic, corrected for ties: above 0 if fakes are farther."""
    n, m = len(held_out), len(fake)
    _, place, ties = np.unique(
        np.concatenate([held_out, fake]), return_inverse=True, return_counts=True
    )
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]  # equal distances share their mean rank
    statistic = ranks[n:].sum() - m * (m + 1) / 2
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / ((n + m) * (n + m - 1))
    variance = n * m / 12 * (n + m + 1 - tied)
    return float((statistic - n * m / 2) / np.sqrt(variance)) if variance > 0 else 0.0
