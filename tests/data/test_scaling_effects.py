"""What scalings do to pixels: by hand, by scikit-learn, and on MNIST itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler

from harness.core.config import CHOICES
from harness.data.load import load_dataset
from harness.data.scaling_effects import describe_scalings

# Values are given to six digits.
SIX = {"rel": 1e-5}


def column(*values: int) -> np.ndarray:
    """Images of two pixels: the first takes ``values``, the second the whole range."""
    first = np.array(values, np.uint8)
    second = np.linspace(0, 255, len(values)).round().astype(np.uint8)
    return np.stack([first, second], axis=1).reshape(-1, 1, 2, 1)


def test_by_hand():
    """The first pixel takes 51, 102 and 153 in training, in test 0 to 255."""
    found = describe_scalings(column(51, 102, 153), column(0, 51, 153, 255))
    for name in ("centered", "unit"):
        assert found[name]["stretched_pixels"] == found[name]["difference_percent"] == 0
        assert found[name]["largest_stretch"] == 1
        assert found[name]["leaving_percent"] == 0
    # (x - 51) / 102 is 0, 1/2, 1 where x / 255 is 1/5, 2/5, 3/5; the second pixel is as globally.
    minmax = found["minmax"]
    assert minmax["largest_stretch"] == pytest.approx(255 / 102, **SIX)
    assert minmax["difference_percent"] == pytest.approx(100 * (0.2 + 0.1 + 0.4) / 6, **SIX)
    assert minmax["leaving_percent"] == pytest.approx(100 * 2 / 8)  # 0 and 255, of 8 values
    # x / 153 is 1/3, 2/3, 1.
    maxabs = found["maxabs"]
    assert maxabs["largest_stretch"] == pytest.approx(255 / 153, **SIX)
    expected = 100 * (1 / 3 - 0.2 + 2 / 3 - 0.4 + 0.4) / 6
    assert maxabs["difference_percent"] == pytest.approx(expected, **SIX)
    assert maxabs["leaving_percent"] == pytest.approx(100 * 1 / 8)
    assert {name: row["stretched_pixels"] for name, row in found.items()} == {
        "centered": 0,
        "maxabs": 1,
        "minmax": 1,
        "unit": 0,
    }


def test_a_pixel_that_never_changes_is_constant_and_not_stretched():
    images = column(7, 7, 7)
    found = describe_scalings(images, images)
    for row in found.values():
        assert row["constant_pixels"] == 1
        assert row["stretched_pixels"] == 0
        assert row["largest_stretch"] == 1
    # maxabs makes the black-and-white range of one grey 7: 1 where x / 255 is 7 / 255.
    expected = 100 * (1 - 7 / 255) / 2
    assert found["maxabs"]["difference_percent"] == pytest.approx(expected, **SIX)


def test_images_of_one_grey_have_no_stretch():
    images = np.full((2, 3, 3, 1), 9, np.uint8)
    assert describe_scalings(images, images)["minmax"]["largest_stretch"] == 1
    assert describe_scalings(images, images)["minmax"]["constant_pixels"] == 9


@pytest.mark.parametrize(("name", "scaler"), [("minmax", MinMaxScaler), ("maxabs", MaxAbsScaler)])
def test_agrees_with_scikit_learn_on_the_digits(name, scaler):
    data = load_dataset("digits")
    training, test = (x.reshape(len(x), -1) / 1.0 for x in (data.x_train, data.x_test))
    fitted = scaler().fit(training)
    scaled, scaled_test = fitted.transform(training), fitted.transform(test)
    row = describe_scalings(data.x_train, data.x_test)[name]
    assert (row["low"], row["high"]) == pytest.approx((scaled.min(), scaled.max()), **SIX)
    changing = np.ptp(training, axis=0) > 0
    assert row["constant_pixels"] == np.sum(~changing)
    # what one grey level becomes, over 1 / 255
    stretch = 255 * (fitted.transform(training + 1) - scaled)[0][changing]
    assert row["stretched_pixels"] == np.sum(stretch > 1.001)
    assert row["largest_stretch"] == pytest.approx(stretch.max(), **SIX)
    mean = 100 * np.abs(scaled - training / 255).mean()
    assert row["difference_percent"] == pytest.approx(mean, **SIX)
    outside = (scaled_test < -1e-9) | (scaled_test > 1 + 1e-9)
    assert row["leaving_percent"] == pytest.approx(100 * outside.mean(), **SIX)
    assert row["leaving_percent"] > 0


def test_more_images_than_are_counted_at_once():
    data = load_dataset("digits")
    once = describe_scalings(data.x_train[:400], data.x_test)
    assert describe_scalings(np.concatenate([data.x_train[:400]] * 3), data.x_test) == once


@pytest.mark.slow
@pytest.mark.mnist
def test_mnist(mnist_dir: Path):
    """67 of MNIST's 784 pixels never change, as is known (717 do in the 60,000 training images)."""
    data = load_dataset("mnist", mnist_dir)
    found = describe_scalings(data.x_train, data.x_test)
    assert list(found) == list(CHOICES["pixel_scaling"])
    assert (found["maxabs"]["low"], found["maxabs"]["high"]) == (0, 1)  # and not (-1, 1)
    assert (found["centered"]["low"], found["centered"]["high"]) == (-1, 1)
    assert found["maxabs"] == found["minmax"]  # every pixel is black in some image
    largest = data.x_train.max(axis=0)
    assert largest[largest > 0].min() == 7
    expected = {
        "low": 0.0,
        "high": 1.0,
        "constant_pixels": 67,
        "stretched_pixels": int(((largest > 0) & (largest < 255)).sum()),
        "largest_stretch": 36.4286,  # 255 / 7
    }
    assert expected.items() <= found["minmax"].items()
    assert expected["stretched_pixels"] == 125
    globally = np.abs(data.x_train / np.maximum(largest, 1).astype(np.float32) - data.x_train / 255)
    assert found["minmax"]["difference_percent"] == pytest.approx(100 * globally.mean(), rel=1e-3)
    assert found["minmax"]["difference_percent"] < 0.001
    leaving = (data.x_test > np.maximum(largest, 1)).mean()  # the unit of a black pixel is 1
    assert found["minmax"]["leaving_percent"] == pytest.approx(100 * leaving, rel=1e-5)
    assert 0 < found["minmax"]["leaving_percent"] < 0.001
