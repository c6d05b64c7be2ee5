"""Stacked MNIST: what its images are made of, how often each mode comes, and what decides it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.data import stacked_mnist
from harness.data.dataset import Dataset
from harness.data.load import load_dataset
from harness.data.stacked_mnist import stack_digits


def telling(num_train: int = 60, num_test: int = 40, channels: int = 1) -> Dataset:
    """Images (2, 2) that say what they are: pixels = split, digit, number within the split, 0."""
    parts = {}
    for split, (name, count) in enumerate((("train", num_train), ("test", num_test))):
        labels = np.arange(count) % 10
        pixels = np.column_stack([np.full(count, split), labels, np.arange(count), 0 * labels])
        images = pixels.astype(np.uint8).reshape(count, 2, 2, 1)
        parts |= {f"x_{name}": np.repeat(images, channels, 3), f"y_{name}": labels}
    return Dataset.from_keras_form("telling", parts, "made up")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacked_mnist, "TRAIN_PER_MODE", 3)
    monkeypatch.setattr(stacked_mnist, "TEST_PER_MODE", 2)


@pytest.mark.usefixtures("few")
def test_the_label_is_the_number_that_the_three_digits_write():
    stacked = stack_digits(telling())
    for split, images, labels in (
        (0, stacked.x_train, stacked.y_train),
        (1, stacked.x_test, stacked.y_test),
    ):
        np.testing.assert_array_equal(images[:, 0, 1].astype(int) @ [100, 10, 1], labels)
        assert (images[:, 0, 0] == split).all()  # no test digit is trained on


@pytest.mark.usefixtures("few")
def test_every_mode_comes_equally_often_in_no_order():
    stacked = stack_digits(telling())
    assert stacked.num_classes == 1000
    assert stacked.image_shape == (2, 2, 3)
    assert stacked.x_train.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(stacked.y_train), np.full(1000, 3))
    np.testing.assert_array_equal(np.bincount(stacked.y_test), np.full(1000, 2))
    # In sorted order neighbours differ by 0 or 1; in drawn order by 333 on average.
    assert np.abs(np.diff(stacked.y_train)).mean() > 250


@pytest.mark.usefixtures("few")
def test_channels_are_drawn_independently_from_all_images_of_a_digit():
    numbers = stack_digits(telling()).x_train[:, 1, 0].astype(int)  # which image, by channel
    for channel in numbers.T:
        assert set(channel) == set(range(60))
    # Six images of each digit: two channels of one digit agree in 1/6 of 300 triples by chance;
    # their standard deviation is sqrt(300 * 5) / 6 = 6.5.
    same_digit = numbers[:, 0] % 10 == numbers[:, 1] % 10
    assert np.count_nonzero(same_digit) == 300
    agree = np.count_nonzero(numbers[same_digit, 0] == numbers[same_digit, 1])
    assert abs(agree - 50) < 4 * 6.5


@pytest.mark.usefixtures("few")
def test_the_seed_decides_and_the_source_is_known():
    digits = telling()
    first, again, other = stack_digits(digits), stack_digits(digits), stack_digits(digits, seed=1)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.name == "stacked_telling"
    assert first.channels_of is digits
    assert digits.channels_of is None


@pytest.mark.parametrize("fields", [{"channels": 3}, {"num_train": 9, "num_test": 9}])
def test_other_digits_are_refused(fields: dict[str, int]):
    with pytest.raises(InputError, match="made up: stacked digits take one channel and 10 classes"):
        stack_digits(telling(**fields))


@pytest.mark.mnist
def test_of_mnist_it_has_the_published_size(mnist_dir):
    stacked = load_dataset("stacked_mnist", mnist_dir)
    assert stacked.x_train.shape == (128_000, 28, 28, 3)  # Lin et al. 2018, section 4.2
    assert stacked.x_test.shape == (10_000, 28, 28, 3)
    assert stacked.name == "stacked_mnist"
    mnist = stacked.channels_of
    row, label = stacked.x_test[0], int(stacked.y_test[0])
    for channel, digit in enumerate(divmod(label, 100)[:1] + divmod(label % 100, 10)):
        found = (mnist.x_test[..., 0] == row[..., channel]).all(axis=(1, 2))
        assert digit in mnist.y_test[found]
