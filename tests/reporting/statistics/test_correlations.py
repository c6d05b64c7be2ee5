"""The mean of correlations against Fisher's z by hand and scipy's interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics.correlations import mean_correlation


def test_the_mean_of_correlations_is_fishers_and_holds_what_it_says() -> None:
    # One sample: the interval of Fisher's z, as scipy computes it.
    x = np.random.default_rng(3).normal(size=(2, 20))
    x[1] += x[0]
    expected = stats.pearsonr(*x).confidence_interval(0.95)
    mean, *ends = mean_correlation(np.array([np.corrcoef(x)[0, 1]]), np.array([20.0]))
    assert mean == pytest.approx(np.corrcoef(x)[0, 1])
    assert ends == pytest.approx([expected.low, expected.high])
    # Two samples: one of 8 pairs counts five times as much as one of 4.
    mean, low, high = mean_correlation(np.tanh([0.6, 0.0]), np.array([8.0, 4.0]))
    assert np.arctanh([mean, low, high]) == pytest.approx(
        0.5 + np.array([0, -1, 1]) * 0.80016, 1e-4
    )
