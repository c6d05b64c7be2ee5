"""Sizes of maps: transposed convolutions undo what strided ones do, for odd sizes too."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.models.architectures._blocks import add_cropped_transposed_convolution, halvings


def test_halvings_are_what_strides_of_two_leave():
    assert halvings(28, 3) == [4, 7, 14, 28]
    assert halvings(32, 3) == [4, 8, 16, 32]


# An even kernel cannot pad an odd size equally on both sides.
@pytest.mark.parametrize(
    ("kernel", "size"), [(3, (7, 7)), (5, (8, 7)), (3, (14, 14)), (4, (14, 14)), (5, (14, 14))]
)
@pytest.mark.parametrize("convolution", ["direct", "transform"])
def test_a_transposed_convolution_is_the_transpose_of_the_strided_one(kernel, size, convolution):
    """<conv(x), y> = <x, transposed(y)> for all x and y defines the transpose."""
    small = [-(-length // 2) for length in size]
    model = keras.Sequential([keras.Input((*small, 3)), keras.layers.Identity()])
    config = TrialConfig(convolution=convolution)
    add_cropped_transposed_convolution(model, config, 2, kernel, size, use_bias=False)
    assert model.output_shape == (None, *size, 2)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, *size, 2)).astype(np.float32)
    y = rng.normal(size=(4, *small, 3)).astype(np.float32)
    strided = tf.nn.conv2d(x, model.layers[1].kernel, 2, "SAME")
    left, right = np.sum(strided * y), np.sum(x * model(y))
    # float32 sums of some 500 products of order 1
    assert left == pytest.approx(right, rel=1e-4, abs=1e-3)
