"""How well the nearest neighbour tells real from generated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import CLOSED, OPEN, nearest_distances, squared_distances


@metric(
    direction="minimize",
    low=0.0,
    high=1.0,
    unit="accuracy",
    source="Lopez-Paz and Oquab 2017, section 3; Xu et al. 2018, section 2 (1-NN, leave-one-out)",
)
def two_sample_accuracy(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Leave-one-out accuracy of the 1-nearest-neighbour classifier real or fake, equal numbers.

    0.5 when both come from one distribution, 1 when they are apart. Below 0.5 the fakes are closer
    to real images than those are to each other: copies, down to 0 for a copy of every image. Of
    the larger side as many images are drawn by ``rng`` as the smaller has. A tie counts half.
    """
    size = min(len(real), len(fake))
    some_real, some_fake = real.take(size, rng), fake.take(size, rng)
    to_fake, to_real = _nearest_across(some_real.features, some_fake.features)
    own = np.concatenate([nearest_distances(s)[:, 0] for s in (some_real, some_fake)])
    other = np.concatenate([to_fake, to_real])
    return float(((own < OPEN * other).mean() + (own <= CLOSED * other).mean()) / 2)


def _nearest_across(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared distances to the nearest of the other side: (N,) of ``x``, (M,) of ``y``."""
    nearest_y, nearest_x = np.empty(len(x)), np.full(len(y), np.inf)
    for rows, block in squared_distances(x, y):
        nearest_y[rows] = block.min(axis=1)
        np.minimum(nearest_x, block.min(axis=0), out=nearest_x)
    return nearest_y, nearest_x
