"""Clipped Density and Clipped Coverage: laws, hand-made cases, and their reading as shares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom
from sklearn.neighbors import NearestNeighbors

from harness.evaluation.metrics import _pairs
from harness.evaluation.metrics.clipped_coverage import clipped_coverage, expected
from harness.evaluation.metrics.clipped_density import clipped_density
from tests.support.simulations import scaled


def _density_by_scikit_learn(real, fake):
    own, _ = NearestNeighbors(n_neighbors=6).fit(real).kneighbors(real)
    radii = np.minimum(own[:, 5], np.median(own[:, 5]))
    held = np.linalg.norm(real[:, None] - fake, axis=2) <= radii[:, None]
    among = np.linalg.norm(real[:, None] - real, axis=2) <= radii[:, None] * (1 + 1e-12)
    np.fill_diagonal(among, False)
    ideal = np.minimum(among.sum(axis=0) / 5, 1).mean()
    return min(1.0, np.minimum(held.sum(axis=0) / 5, 1).mean() / ideal)


@pytest.mark.parametrize("block_elements", [2**21, 700, 1])
def test_density_agrees_with_independent_code_whatever_the_blocks(
    from_features, rng, monkeypatch, block_elements
):
    monkeypatch.setattr(_pairs, "BLOCK_ELEMENTS", block_elements)
    x, y = rng.normal(size=(131, 6)), rng.normal(0.4, 1.3, size=(90, 6))
    value = clipped_density(from_features(x), from_features(y), rng)
    assert 0.1 < value < 0.9
    assert value == pytest.approx(_density_by_scikit_learn(x, y), rel=1e-12)


@pytest.mark.parametrize(("num_real", "good"), [(50, 0), (50, 1), (50, 3), (200, 80), (80, 300)])
def test_the_expected_coverage_is_that_of_a_beta_binomial(num_real, good):
    hits = np.arange(good + 1)
    law = betabinom(good, 5, num_real - 5).pmf(hits)
    assert expected(good, num_real) == pytest.approx(law @ np.minimum(hits, 5) / 5, abs=1e-12)


def test_a_share_of_good_images_reads_as_that_share(from_features, rng):
    """Bad images far away; the mean over draws, standard error below 0.01 each."""
    for share in (0.0, 0.25, 0.5, 1.0):
        dense, reached = [], []
        for _ in range(scaled(50)):
            real, fake = rng.normal(size=(2, 300, 4))
            fake[round(share * 300) :] += 100.0
            sides = from_features(real), from_features(fake)
            dense.append(clipped_density(*sides, rng))
            reached.append(clipped_coverage(*sides, rng))
        assert np.mean(reached) == pytest.approx(share, abs=0.05)
        assert np.mean(dense) == pytest.approx(share, abs=0.07)


def test_outliers_among_the_real_images_vouch_for_nothing(from_features, rng):
    """A tenth of the real images lie scattered far off; fakes scattered there are no good ones."""
    real = rng.normal(size=(300, 4))
    real[:30] *= 50.0
    fake = 50.0 * rng.normal(size=(300, 4))
    assert clipped_density(from_features(real), from_features(fake), rng) < 0.02


def test_a_lost_half_halves_the_coverage_and_leaves_the_density(from_features, rng):
    centers = np.where(np.arange(400) % 2, 20.0, -20.0)[:, None]
    real = from_features(centers + rng.normal(size=(400, 4)))
    fake = from_features(20.0 + rng.normal(size=(400, 4)))
    assert clipped_coverage(real, fake, rng) == pytest.approx(0.5, abs=0.05)
    assert clipped_density(real, fake, rng) > 0.9


def test_counts_at_the_end_of_the_scale(from_features, rng):
    real = from_features(rng.normal(size=(60, 3)))
    assert clipped_coverage(real, real, rng) > 0.95
    assert clipped_density(real, real, rng) == 1.0
    few = from_features(rng.normal(size=(6, 3)))
    assert 0.0 <= clipped_coverage(real, few, rng) <= 1.0
