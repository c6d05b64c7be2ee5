"""Distances of pairs and the birthday paradox."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from harness.core.errors import InputError
from harness.evaluation.metrics import _pairs
from harness.evaluation.metrics.pairwise_distance_ratio import pairwise_distance_ratio
from harness.evaluation.metrics.support_size import support_size


@pytest.mark.parametrize("block_elements", [2**21, 700, 1])
def test_distance_ratio_agrees_with_scipy_whatever_the_blocks(
    from_features, rng, monkeypatch, block_elements
):
    monkeypatch.setattr(_pairs, "BLOCK_ELEMENTS", block_elements)
    x, y = rng.normal(size=(60, 7)), rng.normal(5.0, 2.0, size=(45, 7))
    # Distances from a product err by about 1e-14 |x|^2 / distance^2 relatively: far below 1e-9.
    expected = pdist(y).mean() / pdist(x).mean()
    assert pairwise_distance_ratio(from_features(x), from_features(y), rng) == pytest.approx(
        expected, rel=1e-9
    )


def test_distance_ratio_without_real_spread_is_refused(from_features, rng):
    sample = from_features(np.ones((4, 2)))
    with pytest.raises(InputError, match="all real features are equal"):
        pairwise_distance_ratio(sample, sample, rng)


@pytest.mark.parametrize("support", [1, 30, 100])
def test_support_size_of_a_generator_with_few_images(from_features, support):
    # Each of the images equally often, M in all: the number of equal pairs is known exactly, so
    # the estimate is C(M, 2) / (support * C(M / support, 2)), if no different images are close.
    rng = np.random.default_rng(2)
    real = from_features(rng.normal(size=(400, 16)))
    size = 600
    fake = from_features(np.repeat(rng.normal(size=(support, 16)) * 10, size // support, axis=0))
    each = size // support
    expected = (size * (size - 1)) / (support * each * (each - 1))
    assert support_size(real, fake, rng) == pytest.approx(expected, rel=1e-12)
    assert expected == pytest.approx(support, rel=0.2)


def test_support_size_of_draws_with_replacement(from_features):
    # 1,000 draws of 200 images: about C(1000, 2)/200 = 2,497 equal pairs, so 2 % standard error.
    rng = np.random.default_rng(3)
    real = from_features(rng.normal(size=(400, 16)))
    images = rng.normal(size=(200, 16)) * 10
    fake = from_features(images[rng.integers(0, 200, 1000)])
    assert support_size(real, fake, rng) == pytest.approx(200, rel=4 * 0.02)


def test_real_images_read_ten_thousand(from_features):
    # The real sample itself by construction (80 of 799,000 pairs); a fresh one within the spread
    # of about 80 pairs on either side: 16 %, four of them at most 64 %.
    rng = np.random.default_rng(4)
    real, fresh = (from_features(rng.normal(size=(1265, 4))) for _ in range(2))
    assert support_size(real, real, rng) == pytest.approx(1e4, rel=0.01)
    assert support_size(real, fresh, rng) == pytest.approx(1e4, rel=0.64)


def test_no_duplicate_at_all_is_the_number_of_pairs(from_features, rng):
    real = from_features(rng.normal(size=(100, 16)))
    fake = from_features(rng.normal(size=(50, 16)) * 100)
    assert support_size(real, fake, rng) == 50 * 49 / 2
