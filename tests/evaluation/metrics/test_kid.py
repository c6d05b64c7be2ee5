"""The kernel distance against scikit-learn's kernel, its null mean and a hand-made case."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import polynomial_kernel

from harness.core.errors import InputError
from harness.evaluation.metrics import _pairs
from harness.evaluation.metrics.kid import kid, kid_standard_error


def _by_scikit_learn(x, y):
    def kernel(a, b):
        return polynomial_kernel(a, b, degree=3, gamma=1 / a.shape[1], coef0=1)

    xx, yy = kernel(x, x), kernel(y, y)
    n, m = len(x), len(y)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return within - 2 * kernel(x, y).mean()


@pytest.mark.parametrize("block_elements", [2**22, 1000, 1])
def test_agrees_with_scikit_learn_whatever_the_blocks(
    from_features, rng, monkeypatch, block_elements
):
    monkeypatch.setattr(_pairs, "BLOCK_ELEMENTS", block_elements)
    x, y = rng.normal(size=(90, 12)), rng.normal(0.3, 1.5, size=(70, 12))
    value = kid(from_features(x), from_features(y), rng)
    # Both sum the same float64 terms in another order: 1e-9 is far above rounding at this size.
    assert value == pytest.approx(_by_scikit_learn(x, y), rel=1e-9)


def test_hand_computed_pair(from_features, rng):
    # d = 1; real 0, 0: k = 1. Fake 1, 1: k = (1 + 1)^3 = 8. Between: k = 1. 1 + 8 - 2 = 7.
    real, fake = from_features(np.zeros((2, 1))), from_features(np.ones((2, 1)))
    assert kid(real, fake, rng) == pytest.approx(7.0, rel=1e-12)


def test_null_mean_is_zero_and_values_may_be_negative(from_features, rng):
    values = np.array(
        [
            kid(
                from_features(rng.normal(size=(40, 8))),
                from_features(rng.normal(size=(60, 8))),
                rng,
            )
            for _ in range(300)
        ]
    )
    standard_error = values.std(ddof=1) / np.sqrt(len(values))
    # With the diagonal kept, the mean would be E[k(x, x)] (1/40 + 1/60) > 8 (1/40 + 1/60) = 1/3.
    assert abs(values.mean()) < 4 * standard_error < 1 / 30
    assert (values < 0).any()


def test_standard_error_is_that_of_independent_estimates(from_features):
    # Estimates on disjoint blocks against the spread of estimates on fresh samples of block size.
    # The standard deviation of 200 and of 50 x 10 estimates is known to about 10 % (heavy tails).
    rng = np.random.default_rng(1)

    def draw(size):
        return from_features(rng.normal(size=(size, 6)))

    fresh = [kid(draw(30), draw(30), rng) for _ in range(200)]
    errors = [kid_standard_error(draw(300), draw(300), rng, num_blocks=10) for _ in range(50)]
    expected = np.std(fresh, ddof=1) / np.sqrt(10)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(expected, rel=0.3)


@pytest.mark.parametrize("num_blocks", [0, 1, 6])
def test_too_few_blocks_or_images_are_refused(from_features, rng, num_blocks):
    sample = from_features(rng.normal(size=(10, 2)))
    with pytest.raises(InputError, match=f"{num_blocks} blocks of 10 real and 10 generated"):
        kid_standard_error(sample, sample, rng, num_blocks=num_blocks)
