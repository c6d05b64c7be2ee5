"""Bootstrap resamples of n numbers: all of them for a small n, random ones otherwise."""

from __future__ import annotations

import math
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

MAX_EXACT = 8
"""The largest n whose resamples are enumerated: eight numbers have 6,435 different ones."""

NUM_DRAWN = 20_000
LEAST_SPREAD = 0.3
"""The lower bound of a resample's spread, as a share of the spread of the sample.

A resample that repeats one number has no spread, so its studentised mean would be infinite. For
five numbers, a share of 0.3 bounds the studentised mean by 13.
"""


def studentised_means(values: Values, seed: int) -> tuple[Values, Values]:
    """(t, P(T <= t)) of the bootstrap-t of the mean of ``values``, (n,), ascending in t.

    t = (mean of the resample - mean) / standard error of the resample.
    """
    counts, weights = resamples(len(values), seed)
    n = len(values)
    centred = values - values.mean()
    means = counts @ centred / n
    variances = (counts @ centred**2 / n - means**2) * n / (n - 1)
    least = (LEAST_SPREAD * centred.std(ddof=1)) ** 2
    t = means * math.sqrt(n) / np.sqrt(np.maximum(variances, least))
    t = t.round(9)  # resamples that differ by rounding alone are equal
    order = np.argsort(t, kind="stable")
    return t[order], np.cumsum(weights[order])


@cache
def resamples(n: int, seed: int) -> tuple[Values, Values]:
    """How often each resample holds each number, (resamples, n), and each one's probability."""
    if n > MAX_EXACT:
        rng = np.random.default_rng([seed, n])
        counts = rng.multinomial(n, [1 / n] * n, size=NUM_DRAWN).astype("float64")
        return counts, np.full(NUM_DRAWN, 1 / NUM_DRAWN)
    chosen = np.array(list(combinations_with_replacement(range(n), n)))
    counts = np.stack([(chosen == index).sum(axis=1) for index in range(n)], axis=1)
    factorial = np.array([math.factorial(k) for k in range(n + 1)], dtype="float64")
    weights = factorial[n] / factorial[counts].prod(axis=1) / float(n) ** n
    return counts.astype("float64"), weights
