"""How well the nearest neighbour tells real from generated."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import CLOSED, OPEN, cross_distances, nearest_distances


@metric(
    direction="minimize",
    judges="both",
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
    cross = cross_distances(some_real, some_fake)
    own = np.concatenate([nearest_distances(s)[:, 0] for s in (some_real, some_fake)])
    other = np.concatenate([cross.nearest_fake, cross.nearest_real])
    return float(((own < OPEN * other).mean() + (own <= CLOSED * other).mean()) / 2)
