"""Datasets at another size."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.data.digits import load_digits
from harness.data.images.resize import resized
from harness.data.load import load_dataset


def test_the_same_size_is_the_same_dataset():
    digits = load_digits()
    assert resized(digits, 28) is digits


@pytest.mark.parametrize("side", [16, 32, 64])
def test_digits_at_another_size_keep_their_labels_and_their_brightness(side):
    digits, other = load_digits(), load_dataset("digits", side=side)
    assert other.image_shape == (side, side, 1)
    np.testing.assert_array_equal(other.y_test, digits.y_test)
    # Lanczos weights sum to 1: the mean is kept but for clipping at 0 and 255 and the borders.
    assert other.x_test.mean() == pytest.approx(digits.x_test.mean(), rel=0.02)
    assert f"{side}x{side}" in other.source


@pytest.mark.parametrize("side", [15, 18, 65, -4, 12])
def test_a_size_that_no_model_takes_is_refused(side):
    with pytest.raises(InputError, match="image_size is"):
        TrialConfig(image_size=side)
