"""Spread of the fakes relative to the real images, by distances between pairs."""

from __future__ import annotations

import numpy as np

from harness.evaluation.metrics import NoScoreError, Sample, metric
from harness.evaluation.metrics._pairs import pair_distances


@metric(
    direction="maximize",
    judges="diversity",
    low=0.0,
    target=1.0,
    unit="ratio",
    source="mean distance of random pairs as in Zhu et al. 2017, section 5, fake over real",
)
def pairwise_distance_ratio(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Mean feature distance between two fakes over that between two real images, all pairs.

    1 is as spread out as the real images, 0 a constant generator, above 1 wider (noise is, too, so
    read it with ``fid``). Unbiased numerator and denominator at any sample size. Raises
    NoScoreError if all real features are equal. Deterministic; ``rng`` is unused.
    """
    real_distance = _mean_distance(real)
    if real_distance == 0.0:
        raise NoScoreError("all real features are equal, nothing to divide by")
    return _mean_distance(fake) / real_distance


def _mean_distance(sample: Sample) -> float:
    def compute() -> float:
        total = sum(float(np.sqrt(block).sum()) for block in pair_distances(sample.features))
        return total / (len(sample) * (len(sample) - 1) / 2)

    return sample.derived("mean_pair_distance", compute)
