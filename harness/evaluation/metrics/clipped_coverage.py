"""How much of the real distribution the fakes reach, calibrated to be a share."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from scipy.special import betaln, gammaln

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import BALL_NEIGHBOURS, cross_distances


@metric(
    direction="maximize",
    judges="diversity",
    low=0.0,
    high=1.0,
    unit="equivalent share of good generated images",
    source="Salvy et al. 2025, arXiv 2507.01761 (Clipped Coverage), k = 5",
)
def clipped_coverage(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Share of the fakes that had to be perfect to reach as much, if the others reached nothing.

    A real image counts for the number of fakes in its 5-nearest-neighbour ball, over 5, at most 1.
    The mean over the real images is turned into a share by its expectation under fakes of the real
    distribution, so that the score falls in proportion to the number of bad images, which coverage
    does not. Two perfect samples read 1 or little less. Deterministic; ``rng`` is unused.
    """
    held = np.minimum(cross_distances(real, fake).num_fakes_held, BALL_NEIGHBOURS)
    reached = float(held.mean()) / BALL_NEIGHBOURS
    num_real, num_fakes = len(real), len(fake)
    counts = range(num_fakes + 1)
    enough = bisect_right(counts, reached, key=lambda good: expected(good, num_real))
    if enough > num_fakes:
        return 1.0
    low, high = expected(enough - 1, num_real), expected(enough, num_real)
    return (enough - 1 + (reached - low) / (high - low)) / num_fakes


def expected(good: int, num_real: int) -> float:
    """Expected mean of min(fakes in the ball, 5) / 5 for ``good`` fakes of the real distribution.

    The mass of a ball is Beta(5, N - 5) distributed, so the number of fakes in it is beta-binomial.
    """
    k, rest = BALL_NEIGHBOURS, num_real - BALL_NEIGHBOURS
    few = np.arange(min(k - 1, good) + 1)
    ways = gammaln(good + 1) - gammaln(few + 1) - gammaln(good - few + 1)
    shares = np.exp(ways + betaln(few + k, good - few + rest) - betaln(k, rest))
    return 1.0 - float(((k - few) * shares).sum()) / k
