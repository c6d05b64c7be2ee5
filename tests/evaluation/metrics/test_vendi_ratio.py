"""The Vendi score against its authors' numbers and package, and the ratio built on it."""

from __future__ import annotations

import numpy as np
import pytest
from vendi_score import vendi

from harness.evaluation.metrics.vendi_ratio import vendi_ratio, vendi_score


def test_published_toy_kernels():
    # The two examples of the Vendi score's documentation: a kernel matrix with off-diagonal 0.9,
    # and exp(-|a - b|) on 0, 0, 10, 10, 20, 20; rows of a Cholesky factor have K as their cosines.
    # The second is printed as 2.9999, cut off: similarities of exp(-10) leave it 4e-9 below 3.
    by_hand = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
    assert vendi_score(np.linalg.cholesky(by_hand)) == pytest.approx(2.1573, abs=5e-5)
    distinct = np.exp(-np.abs(np.subtract.outer([0, 10, 20], [0, 10, 20])))
    rows = np.repeat(np.linalg.cholesky(distinct), 2, axis=0)
    assert 2.9999 <= vendi_score(rows) < 3.0


@pytest.mark.parametrize("shape", [(200, 12), (12, 40)])
def test_agrees_with_the_authors_package_in_both_forms(rng, shape):
    features = np.abs(rng.normal(size=shape))
    # Zero eigenvalues round to about 1e-17 on either side; their entropy is below 1e-14.
    assert vendi_score(features) == pytest.approx(vendi.score_dual(features), rel=1e-9)


def test_orthogonal_rows_are_all_different_and_equal_rows_are_one():
    assert vendi_score(3.0 * np.eye(7)) == pytest.approx(7.0, rel=1e-12)
    assert vendi_score(np.full((9, 4), 2.0)) == pytest.approx(1.0, rel=1e-12)


def test_zero_rows_are_one_more_kind():
    assert vendi_score(np.zeros((5, 3))) == 1.0
    # Half of the rows zero, half equal: two kinds, equally frequent.
    half = np.repeat([[0.0, 0.0], [1.0, 2.0]], 4, axis=0)
    assert vendi_score(half) == pytest.approx(2.0, rel=1e-12)


def test_ratio_of_a_constant_generator(from_features, rng):
    real = from_features(np.eye(10).repeat(3, axis=0))  # 10 kinds
    assert vendi_ratio(real, from_features(np.ones((30, 10))), rng) == pytest.approx(0.1)


def test_the_larger_side_is_cut_to_the_size_of_the_smaller(from_features, rng):
    # Orthogonal rows: the score is the number of rows, so only equal sizes give exactly 1.
    large, small = from_features(np.eye(24)), from_features(np.eye(24)[:6])
    assert vendi_ratio(large, small, rng) == pytest.approx(1.0, rel=1e-12)
    assert vendi_ratio(small, large, rng) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.slow
@pytest.mark.mnist
def test_published_scores_of_the_ten_mnist_digits(mnist_dir):
    # Friedman and Dieng's README: pixels of MNIST's test digits, resized to 32x32 (bicubic).
    from PIL import Image

    published = [7.68, 5.31, 12.18, 9.97, 11.10, 13.51, 9.06, 9.58, 9.69, 8.56]
    with np.load(mnist_dir / "mnist.npz", allow_pickle=False) as arrays:
        images, labels = arrays["x_test"], arrays["y_test"]
    for digit, expected in enumerate(published):
        resized = [np.asarray(Image.fromarray(i).resize((32, 32))) for i in images[labels == digit]]
        pixels = np.array(resized, dtype=np.float64).reshape(len(resized), -1)
        assert vendi_score(pixels) == pytest.approx(expected, abs=0.005)
