"""Number of different images that a generator makes, by the birthday paradox."""

from __future__ import annotations

import math

import numpy as np

from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import CLOSED, pair_distances

DUPLICATE_RATE = 1e-4
"""Share of real pairs that count as duplicates: the real images' own value is 1 over this."""


@metric(
    direction="maximize",
    judges="diversity",
    low=1.0,
    unit="images",
    source="Arora, Risteski and Zhang 2018, section 2 (birthday paradox test), automated",
)
def support_size(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Number of equally likely images that would give as many duplicate pairs as the fakes have.

    Two draws from n equally likely images are equal with probability 1/n, so this is the number of
    pairs over the number of duplicates among them. Instead of a person, the real sample says what
    a duplicate is: two images closer in feature space than the closest 1e-4 of its pairs. Real
    images thus read about 10,000, and values far below are an estimate of the support; those
    around or above only say that nothing is repeated. Without any duplicate it is the number of
    pairs, the most that the sample can show. Deterministic; ``rng`` is unused.
    """
    limit = CLOSED * real.derived("duplicate_distance", lambda: _duplicate_distance(real))
    duplicates = sum(np.count_nonzero(block <= limit) for block in pair_distances(fake.features))
    return math.comb(len(fake), 2) / max(1, duplicates)


def _duplicate_distance(real: Sample) -> float:
    """The squared feature distance that a share ``DUPLICATE_RATE`` of real pairs stay within."""
    count = math.ceil(DUPLICATE_RATE * math.comb(len(real), 2))
    closest = np.empty(0)
    for block in pair_distances(real.features):
        pool = np.concatenate([closest, block])
        closest = np.partition(pool, min(count, len(pool)) - 1)[:count]
    return float(closest.max())
