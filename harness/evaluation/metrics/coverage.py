"""Share of the real images that have a fake nearby."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import (
    BALL_NEIGHBOURS,
    OPEN,
    cross_distances,
    nearest_distances,
)


@metric(
    direction="maximize",
    judges="diversity",
    low=0.0,
    high=1.0,
    unit="share of real images",
    source="Naeem et al. 2020, section 3 (coverage), k = 5",
)
def coverage(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Share of the real images whose 5-nearest-neighbour ball holds at least one fake.

    For N real and M generated images of one distribution its expectation is
    1 - prod_{j<5} (N - 1 - j)/(N + M - 1 - j), that is 0.969 at large N = M: with k nearest real
    neighbours fixed, the ball is empty exactly when the k nearest of all N - 1 + M are real. Balls
    are open, as in the authors' code: if all real features were equal, the score would be 0, not
    perfect. Deterministic; ``rng`` is unused.
    """
    radii = OPEN * nearest_distances(real)[:, BALL_NEIGHBOURS - 1]
    return float((cross_distances(real, fake).nearest_fake < radii).mean())
