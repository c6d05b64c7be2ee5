"""The sliced Wasserstein distance: closed forms, an independent library, and its symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from harness.evaluation.metrics.sliced_wasserstein import NUM_LINES, sliced_wasserstein


def test_a_shift_reads_three_times_its_square(from_features, rng):
    """3 d E(line . shift)^2 = 3 |shift|^2; the mean of 256 squares errs by sqrt(2 / 256)."""
    x = rng.normal(size=(200, 8))
    shift = np.full(8, 0.7)
    value = sliced_wasserstein(from_features(x), from_features(x + shift), rng)
    assert value == pytest.approx(3 * 8 * 0.7**2, rel=4 * np.sqrt(2 / NUM_LINES))
    assert sliced_wasserstein(from_features(x), from_features(x), rng) == 0.0


def test_in_one_dimension_it_is_the_transport_of_an_independent_solver(from_features, rng):
    """Equal sizes, one feature: three times the cost of the best assignment over the number."""
    x, y = rng.normal(size=(40, 1)), rng.exponential(size=(40, 1))
    cost = (x - y.T) ** 2
    best = cost[linear_sum_assignment(cost)].mean()
    value = sliced_wasserstein(from_features(x), from_features(y), rng)
    assert value == pytest.approx(3 * best, rel=1e-12)


def test_samples_of_other_sizes_are_coupled_by_mass(from_features, rng):
    """Every image three times, and every image of the other side twice, is the same distance."""
    x, y = rng.normal(size=(20, 3)), rng.normal(1.0, 2.0, size=(30, 3))
    value = sliced_wasserstein(from_features(x), from_features(y), np.random.default_rng(1))
    repeated = from_features(np.repeat(x, 3, axis=0)), from_features(np.repeat(y, 2, axis=0))
    again = sliced_wasserstein(*repeated, np.random.default_rng(1))
    back = sliced_wasserstein(from_features(y), from_features(x), np.random.default_rng(1))
    assert again == pytest.approx(value, rel=1e-12)
    assert back == pytest.approx(value, rel=1e-12)


def test_it_sees_a_change_that_leaves_mean_and_covariance(from_features, rng):
    """Two points at -1 and 1 have the moments of N(0, 1): fid is blind to it, this is not."""
    gaussian = from_features(rng.normal(size=(2_000, 1)))
    signs = from_features(np.repeat([[-1.0], [1.0]], 1_000, axis=0))
    # W2^2 of N(0, 1) and the signs is 2 - 2 E|Z| = 2 - 2 sqrt(2 / pi).
    expected = 3 * (2 - 2 * np.sqrt(2 / np.pi))
    assert sliced_wasserstein(gaussian, signs, rng) == pytest.approx(expected, rel=0.1)
