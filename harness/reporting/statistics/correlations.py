"""The mean of correlations that several samples show."""

from __future__ import annotations

import math

import numpy as np

from harness.reporting.statistics.estimates import Values, normal_quantile


def mean_correlation(
    correlations: Values, sizes: Values, level: float = 0.05
) -> tuple[float, float, float]:
    """The mean of correlations of ``sizes`` pairs each, 4 at least, and its interval's two ends.

    By Fisher's z, whose variance is 1 / (size - 3), weighted by its inverse; independent samples
    are assumed (Hedges and Olkin 1985, section 11.B).
    """
    weights = sizes - 3
    middle = float(np.average(np.arctanh(correlations), weights=weights))
    half = normal_quantile(level / 2) / math.sqrt(weights.sum())
    return math.tanh(middle), math.tanh(middle - half), math.tanh(middle + half)
