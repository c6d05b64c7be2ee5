"""Share of the real images that lie on the generated manifold."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import cross_distances


@metric(
    direction="maximize",
    judges="diversity",
    low=0.0,
    high=1.0,
    unit="share of real images",
    source="Kynkäänniemi et al. 2019, eqs. 1 and 2 (improved recall), k = 3",
)
def recall(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Share of the real images within the 3-nearest-neighbour ball of any generated image.

    ``precision`` with real and fake exchanged. A constant generator has balls of radius 0 and
    scores 0, but a partial collapse is not seen: the few other images have their neighbours far
    away, so their balls are huge, and recall even rises. Read it with ``coverage``, whose balls
    are the real images'. Compare at equal sizes. Deterministic; ``rng`` is unused.
    """
    return float(cross_distances(real, fake).in_fake_ball.mean())
