import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import affine_transform

from harness.data.load import load_dataset
from harness.training.augmentation import MAX_ROTATION, MAX_SHIFT, MAX_ZOOM, classic

DRAWS = np.random.default_rng(0).uniform(-1, 1, (4, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def images():
    return load_dataset("digits").x_train[:12].astype(np.float32)


def augmented(images, draws):
    return classic(tf.constant(images), tf.constant(draws)).numpy()


def test_equals_scipys_affine_transform(images):
    result = augmented(images, DRAWS)
    centre = np.array([13.5, 13.5])
    for index in range(12):
        angle, zoom = DRAWS[0, index] * MAX_ROTATION, 1 + DRAWS[1, index] * MAX_ZOOM
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
        offset = centre - matrix @ centre + DRAWS[2:, index] * MAX_SHIFT
        expected = affine_transform(
            images[index, ..., 0].astype(np.float64), matrix, offset, order=1, mode="grid-constant"
        )
        # float32 coordinates near 28 are off by 2e-6; neighbouring pixels differ by up to 255
        assert np.abs(result[index, ..., 0] - expected).max() < 0.01


def test_nothing_drawn_nothing_changed(images):
    assert np.array_equal(augmented(images, np.zeros((4, 12), np.float32)), images)


def test_a_shift_of_half_the_largest_is_one_pixel_with_zeros_behind(images):
    """MAX_SHIFT is 2: a draw of 0.5 reads one row further down, the last row is empty."""
    draws = np.zeros((4, 12), np.float32)
    draws[2] = 0.5
    result = augmented(images, draws)
    assert np.array_equal(result[:, :-1], images[:, 1:])
    assert not result[:, -1].any()


@pytest.mark.slow
def test_xla_compiles_it_to_the_same(images):
    compiled = tf.function(classic, jit_compile=True)(tf.constant(images), tf.constant(DRAWS))
    # XLA's sine and cosine differ in the last bits, see the tolerance above
    assert np.abs(compiled.numpy() - augmented(images, DRAWS)).max() < 0.01
