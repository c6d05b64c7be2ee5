"""The embedded digits: sizes, split, pixels and a pinned fingerprint."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from sklearn.datasets import load_digits as load_sklearn_digits
from sklearn.metrics import pairwise_distances_argmin

from harness.core.errors import InputError
from harness.data.dataset import Dataset, drawn
from harness.data.load import load_dataset


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


def test_sizes_and_types(digits):
    assert digits.x_train.shape == (1257, 28, 28, 1)
    assert digits.x_test.shape == (540, 28, 28, 1)
    assert digits.x_train.dtype == digits.x_test.dtype == np.uint8
    assert digits.y_train.dtype == digits.y_test.dtype == np.int64
    assert (digits.name, digits.num_classes, digits.image_shape) == ("digits", 10, (28, 28, 1))


def test_the_split_is_stratified(digits):
    # 70 and 30 % of each class of scikit-learn's labels, up to the rounding of one image.
    whole = np.bincount(load_sklearn_digits().target)
    train, test = np.bincount(digits.y_train), np.bincount(digits.y_test)
    np.testing.assert_array_equal(train + test, whole)
    assert np.abs(train - 0.7 * whole).max() <= 1


def test_no_image_is_in_both_splits(digits):
    train = {image.tobytes() for image in digits.x_train}
    assert not any(image.tobytes() in train for image in digits.x_test)


def test_every_enlarged_image_shows_another_original_of_its_class(digits):
    x = np.concatenate([digits.x_train, digits.x_test])[..., 0]
    assert (x.min(), x.max()) == (0, 255)
    # 8 cells with one of margin on each side over 28 pixels: 2.8 pixels a cell. A cubic
    # interpolation passes through its nodes, so the centre of each cell has the original's value.
    centres = (np.arange(8) + 1.5) * 2.8 - 0.5
    grid = np.meshgrid(centres, centres, indexing="ij")
    cells = np.stack([map_coordinates(image.astype(float), grid, order=1) for image in x])
    cells = cells.reshape(-1, 64) * 16 / 255
    originals = load_sklearn_digits()
    nearest = pairwise_distances_argmin(cells, originals.data)
    assert len(set(nearest)) == 1797
    np.testing.assert_array_equal(
        originals.target[nearest], np.concatenate([digits.y_train, digits.y_test])
    )
    # Linear interpolation between pixels flattens the peaks: below half of the 16 levels' step.
    assert np.abs(cells - originals.data[nearest]).mean() < 0.5


def test_strokes_end_before_the_border(digits):
    x = digits.x_train
    assert x[:, [0, -1]].max() == x[:, :, [0, -1]].max() == 0


def test_the_bytes_are_the_same_everywhere(digits):
    # Pinned: the shipped reference classifier is matched to these bytes. A change of scikit-learn
    # or Pillow that moves a pixel must be seen here.
    assert digits.fingerprint == "9d713ec674fadfaab7eb585e2109f28248d29901e1d5a3a37010a51988ac2af8"


def test_few_digits_are_twenty_of_each_class_and_the_same_test_images(digits):
    few = load_dataset("few_digits")
    assert np.bincount(few.y_train).tolist() == [20] * 10
    label_of = {x.tobytes(): y for x, y in zip(digits.x_train, digits.y_train, strict=True)}
    assert [label_of[image.tobytes()] for image in few.x_train] == few.y_train.tolist()
    assert len({image.tobytes() for image in few.x_train}) == 200
    np.testing.assert_array_equal(few.x_test, digits.x_test)
    np.testing.assert_array_equal(few.y_test, digits.y_test)
    assert few.name == "few_digits"


def test_few_training_images_are_drawn_by_the_seed_as_many_of_each_class(digits):
    few = drawn(digits, 200, 3)
    assert np.bincount(few.y_train).tolist() == [20] * 10
    whole = {image.tobytes() for image in digits.x_train}
    own = {image.tobytes() for image in few.x_train}
    assert len(own) == 200
    assert own <= whole
    assert few.x_test is digits.x_test
    again, other = drawn(digits, 200, 3), drawn(digits, 200, 4)
    assert again.fingerprint == few.fingerprint != other.fingerprint
    # Two draws of 20 from about 126 of a class share 20 * 20 / 126 = 3.2 of them on average.
    shared = own & {image.tobytes() for image in other.x_train}
    assert 10 < len(shared) < 60
    assert drawn(digits, 0, 3) is digits


@pytest.mark.parametrize("wanted", [205, 2_000])
def test_a_number_that_cannot_be_drawn_is_one_line(digits, wanted: int):
    with pytest.raises(InputError, match=r"allowed for digits: 0, or a multiple of its 10 classes"):
        drawn(digits, wanted, 0)
