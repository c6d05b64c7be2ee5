"""Multi-scale similarity against TensorFlow's, and the pairs that are compared."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample
from harness.evaluation.metrics.ms_ssim import SCALE_WEIGHTS, ms_ssim, multiscale_ssim


def _smooth_images(rng, count, side, channels):
    """Blurred noise, so that neighbouring pixels are alike and no term is cut off at 0."""
    coarse = rng.uniform(0, 255, (count, -(-side // 4), -(-side // 4), channels))
    return np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)[:, :side, :side]


@pytest.mark.parametrize(("side", "channels"), [(28, 1), (28, 3), (33, 1)])
def test_agrees_with_tensorflow(rng, side, channels):
    tf = pytest.importorskip("tensorflow")
    a = _smooth_images(rng, 12, side, channels)
    b = np.clip(0.8 * a + rng.normal(0, 20, a.shape), 0, 255).astype(np.uint8)
    a = a.astype(np.uint8)
    expected = tf.image.ssim_multiscale(a, b, max_val=255, power_factors=list(SCALE_WEIGHTS))
    # TensorFlow convolves in float32; variances are differences of squares of up to 255^2, so
    # each is off by about 255^2 * 6e-8 = 0.004, against C2 = 58.5: below 1e-4 of the index.
    np.testing.assert_allclose(multiscale_ssim(a, b), expected.numpy(), atol=1e-4)


def test_black_against_white_is_not_alike():
    # In uint8 the range is 255. Taken as [0, 1] images with that range they would score 0.99.
    # Flat images: structure 1 at both scales; luminance C1/(255^2 + C1) at the last.
    black, white = np.zeros((1, 28, 28, 1), np.uint8), np.full((1, 28, 28, 1), 255, np.uint8)
    luminance = 2.55**2 / (255**2 + 2.55**2)
    expected = luminance ** SCALE_WEIGHTS[1]
    np.testing.assert_allclose(multiscale_ssim(black, white), expected, rtol=1e-9)
    assert expected < 0.001
    np.testing.assert_array_equal(multiscale_ssim(white, white), 1.0)


@pytest.mark.parametrize("side", [8, 9, 27])
def test_flat_images_stay_flat_at_small_and_odd_sizes(side):
    # As above: only the luminance at half size is not 1:
    # (2 * 200 * 100 + C1)/(200^2 + 100^2 + C1).
    bright, dark = (np.full((1, side, side + 1, 1), v, np.uint8) for v in (200, 100))
    expected = ((40_000 + 2.55**2) / (50_000 + 2.55**2)) ** SCALE_WEIGHTS[1]
    np.testing.assert_allclose(multiscale_ssim(bright, dark), expected, rtol=1e-9)


def test_a_negative_has_no_similarity(rng):
    # Structure is a correlation, here -1; what is negative counts as 0.
    images = _smooth_images(rng, 3, 28, 1).astype(np.uint8)
    np.testing.assert_array_equal(multiscale_ssim(images, 255 - images), 0.0)


def test_small_and_odd_images_are_scored(rng):
    images = rng.integers(0, 256, (4, 9, 8, 1)).astype(np.uint8)
    np.testing.assert_allclose(multiscale_ssim(images, images), 1.0, rtol=1e-12)
    assert np.all(multiscale_ssim(images, images[::-1]) < 1.0)


def test_only_different_images_of_one_class_are_compared(rng):
    # Two white images of class 0, two black ones of class 1, one grey alone in class 2: pairs
    # within classes are equal images. A pair across classes would be below 1, and so would
    # a partner of the lonely one.
    pixels = np.array([255, 0, 128, 255, 0], np.uint8)
    images = np.broadcast_to(pixels[:, None, None, None], (5, 28, 28, 1))
    labels = [0, 1, 2, 0, 1]
    fake = Sample(images, np.zeros((5, 2)), np.eye(3)[labels])
    assert ms_ssim(fake, fake, rng) == pytest.approx(1.0, rel=1e-12)


def test_an_image_is_not_compared_with_itself(rng):
    images = np.stack([np.zeros((28, 28, 1)), np.full((28, 28, 1), 255)]).astype(np.uint8)
    fake = Sample(images, np.zeros((2, 2)), np.eye(2)[[0, 0]])
    assert ms_ssim(fake, fake, rng) < 0.001


def test_mean_over_all_pairs_is_approached(rng):
    # 8 images of one class have 28 pairs; 2,000 draws of them are within four standard errors.
    images = np.clip(
        _smooth_images(rng, 1, 28, 1) + rng.normal(0, 30, (8, 28, 28, 1)), 0, 255
    ).astype(np.uint8)
    fake = Sample(images, np.zeros((8, 2)), np.ones((8, 1)))
    i, j = np.triu_indices(8, k=1)
    every_pair = multiscale_ssim(images[i], images[j])
    tolerance = 4 * every_pair.std() / np.sqrt(2000)
    assert ms_ssim(fake, fake, rng) == pytest.approx(every_pair.mean(), abs=tolerance)


def test_no_two_images_of_one_class_are_refused(rng):
    fake = Sample(np.zeros((3, 28, 28, 1), np.uint8), np.zeros((3, 2)), np.eye(3))
    with pytest.raises(InputError, match="no class has two of the 3 generated images"):
        ms_ssim(fake, fake, rng)
