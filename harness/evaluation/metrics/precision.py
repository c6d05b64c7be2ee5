"""Share of the fakes that lie on the real manifold."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import cross_distances


@metric(
    direction="maximize",
    judges="fidelity",
    low=0.0,
    high=1.0,
    unit="share of generated images",
    source="Kynkäänniemi et al. 2019, eqs. 1 and 2 (improved precision), k = 3",
)
def precision(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Share of the fakes that lie within the 3-nearest-neighbour ball of any real image.

    Euclidean balls in feature space, boundary included. It depends on how densely the real sample
    fills the space, so compare at equal sizes; between two samples of one distribution it is
    below 1. A generator that repeats one good image scores 1: read it with ``recall``.
    Deterministic; ``rng`` is unused.
    """
    return float(cross_distances(real, fake).in_real_ball.mean())
