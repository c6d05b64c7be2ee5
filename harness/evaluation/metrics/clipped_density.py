"""How many of the fakes sit where the real images are, each counted once."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import (
    BALL_NEIGHBOURS,
    clipped_radii,
    cross_distances,
    squared_distances,
)


@metric(
    direction="maximize",
    judges="fidelity",
    low=0.0,
    high=1.0,
    unit="equivalent share of good generated images",
    source="Salvy et al. 2025, arXiv 2507.01761 (Clipped Density), k = 5",
)
def clipped_density(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Share of the fakes that would be good, if the others were far from all real images.

    A fake counts for the number of real 5-nearest-neighbour balls that hold it, over 5, at most 1;
    no ball is wider than the median one, so that outliers among the real images do not vouch for
    whatever lies near them. Divided by what the real images read among themselves, at most 1. It
    does not see lost diversity. Deterministic; ``rng`` is unused.
    """
    hits = cross_distances(real, fake).num_clipped_balls
    ideal = real.derived("clipped_density_ideal", lambda: _ideal(real))
    return min(1.0, float(np.minimum(hits, BALL_NEIGHBOURS).mean()) / ideal)


def _ideal(real: Sample) -> float:
    """The mean over the real images of the clipped number of balls of others that hold them."""
    radii, hits = clipped_radii(real), np.zeros(len(real), np.int64)
    for rows, block in squared_distances(real.features, real.features):
        hits += np.count_nonzero(block <= radii[rows, None], axis=0)
    return float(np.minimum(hits - 1, BALL_NEIGHBOURS).mean())  # each lies in its own ball
