"""How densely the fakes sit where the real images are."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import BALL_NEIGHBOURS, cross_distances


@metric(
    direction="maximize",
    judges="fidelity",
    low=0.0,
    target=1.0,
    unit="real balls per generated image, over k",
    source="Naeem et al. 2020, section 3 (density), k = 5",
)
def density(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Mean number of real 5-nearest-neighbour balls that hold a fake, divided by 5.

    Its expectation is 1 when both come from one distribution; fakes crowded where the real images
    are densest score above 1, so it is not a measure of diversity. Balls are open, as in the
    authors' code: a real image with 5 exact duplicates has an empty ball, and if all real features
    were equal, the score would be 0, not perfect. Deterministic; ``rng`` is unused.
    """
    hits = int(cross_distances(real, fake).num_real_balls.sum())
    return hits / (BALL_NEIGHBOURS * len(fake))
