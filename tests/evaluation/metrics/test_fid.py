"""The Fréchet distance against closed forms, scipy's matrix root and its own null law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from harness.evaluation.metrics.fid import fid, frechet_distance


def test_toy_that_tells_divisor_n_minus_1_from_n(from_features, rng):
    # Real: half (1, 1), half (2, 1). Fake: half (9, 9), half (2, 9). Means (1.5, 1), (5.5, 9):
    # |difference|^2 = 80. Only the first coordinate varies, by 1/4 and 49/4 with divisor N = 100,
    # so sqrt((s1 - s2)^2) = 3 there, and 80 + 9 * 100/99 = 89.0909... (divisor N: 89 exactly).
    real, fake = np.ones((100, 2)), np.full((100, 2), 9.0)
    real[:50, 0] = 2.0
    fake[50:, 0] = 2.0
    distance = fid(from_features(real), from_features(fake), rng)
    assert distance == pytest.approx(80 + 900 / 99, rel=1e-12)


@pytest.mark.parametrize("dimension", [128, pytest.param(2048, marks=pytest.mark.slow)])
def test_unit_gaussians_one_apart_per_coordinate(dimension):
    # |0 - 1|^2 = d and the equal covariances cancel; identity matrices are exact in float64.
    unit = np.eye(dimension)
    distance = frechet_distance(np.zeros(dimension), unit, np.ones(dimension), unit)
    assert distance == pytest.approx(dimension, rel=1e-12)


def test_commuting_covariances_have_a_closed_form():
    # Diagonal S: sum (s1 - s2)^2 = (1 - 2)^2 + (3 - 5)^2 + (4 - 0)^2 = 21; the last is singular.
    first, second = np.diag([1.0, 9.0, 16.0]), np.diag([4.0, 25.0, 0.0])
    mean = np.array([1.0, 0.0, 2.0])
    # Tolerance: the documented 3e-8 d (tr S1 + tr S2) with d = 3 and traces of 55.
    assert frechet_distance(mean, first, 2 * mean, second) == pytest.approx(26.0, abs=5e-6)


def test_agrees_with_the_matrix_square_root(rng):
    x, y = rng.normal(size=(300, 16)), rng.normal(1.0, 2.0, size=(200, 16))
    y = y @ rng.normal(size=(16, 16))
    s1, s2 = np.cov(x.T), np.cov(y.T)
    difference = x.mean(axis=0) - y.mean(axis=0)
    expected = difference @ difference + np.trace(s1 + s2 - 2 * linalg.sqrtm(s1 @ s2).real)
    distance = frechet_distance(x.mean(axis=0), s1, y.mean(axis=0), s2)
    assert distance == pytest.approx(expected, rel=1e-9)


def test_null_bias_follows_its_law(rng):
    # E[FD] = d/N + d(d + 1)/(4N) for N(0, I) against N of its own samples, to first order in d/N.
    # The next order is below 2 % at d = 32, N = 500; the standard error of 60 draws below 1 %.
    dimension, size, repetitions = 32, 500, 60
    unit, zero = np.eye(dimension), np.zeros(dimension)
    distances = []
    for _ in range(repetitions):
        x = rng.normal(size=(size, dimension))
        distances.append(frechet_distance(zero, unit, x.mean(axis=0), np.cov(x.T)))
    law = dimension / size + dimension * (dimension + 1) / (4 * size)
    assert np.mean(distances) == pytest.approx(law, rel=0.03)


def test_constant_generator_is_exact(from_features, rng):
    # A covariance of zero leaves |m1 - m2|^2 + tr S1; nothing is left of the root.
    x = rng.normal(size=(100, 8))
    constant = np.full((50, 8), 0.5)
    expected = ((x.mean(axis=0) - 0.5) ** 2).sum() + x.var(axis=0, ddof=1).sum()
    distance = fid(from_features(x), from_features(constant), rng)
    assert distance == pytest.approx(expected, rel=1e-12)


def test_more_dimensions_than_samples_stay_real_and_not_negative(from_features, rng):
    x = rng.normal(size=(20, 64))  # covariance of rank 19
    same = fid(from_features(x), from_features(x.copy()), rng)
    trace = x.var(axis=0, ddof=1).sum()
    assert 0.0 <= same <= 3e-8 * 64 * 2 * trace  # the documented rounding
    apart = fid(from_features(x), from_features(x + 2.0), rng)
    assert apart == pytest.approx(64 * 4.0, abs=3e-8 * 64 * 2 * trace)
