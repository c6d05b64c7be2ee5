"""Stacked MNIST: three digits as the channels of one image, 1,000 modes, made from MNIST.

Metz et al. 2017 (Unrolled GANs, section 3.3) made it to count modes: a classifier of digits tells
which of the 1,000 triples an image is.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.data.dataset import Dataset

NUM_CHANNELS = 3
NUM_DIGITS = 10
NUM_MODES = NUM_DIGITS**NUM_CHANNELS

TRAIN_PER_MODE = 128  # 128,000 training images: Lin et al. 2018 (PacGAN), section 4.2
TEST_PER_MODE = 10  # 10,000 real images: as many as the scores compare with
SEED = 0
"""Seed of the triples, the same for every study, so that scores compare."""


def stack_digits(digits: Dataset, seed: int = SEED) -> Dataset:
    """Stacked ``digits``: uint8 (N, H, W, 3), label 100 a + 10 b + c for the digits a, b, c.

    ``digits``: one channel, the classes 0 to 9. Training images are stacked of its training images,
    test images of its test images. Every mode comes equally often in either split, 128 and 10
    times, so that the real shares are uniform, which the published divergences are taken from.
    Published sets draw the digits freely; theirs differ by the digits' shares and by chance. The
    images of a digit are drawn with replacement, the order of the triples is drawn, too: all by
    ``seed``. Raises InputError for other ``digits``.
    """
    if digits.image_shape[2] != 1 or digits.num_classes != NUM_DIGITS:
        raise InputError(
            f"{digits.source}: stacked digits take one channel and {NUM_DIGITS} classes, "
            f"got {digits.image_shape[2]} and {digits.num_classes}"
        )
    rng = np.random.default_rng(seed)
    x_train, y_train = _stack(digits.x_train, digits.y_train, TRAIN_PER_MODE, rng)
    x_test, y_test = _stack(digits.x_test, digits.y_test, TEST_PER_MODE, rng)
    arrays: dict[str, NDArray[Any]] = {
        "x_train": x_train,
        "y_train": y_train,
        "x_test": x_test,
        "y_test": y_test,
    }
    source = f"three images of {digits.name} as channels, every triple of digits equally often"
    stacked = Dataset.from_keras_form(f"stacked_{digits.name}", arrays, source)
    # Modes are told by the digits' classifier, however few images there are of each mode.
    return dataclasses.replace(stacked, channels_of=digits, class_fault=digits.class_fault)


def _stack(
    images: NDArray[np.uint8], labels: NDArray[np.int64], per_mode: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """``per_mode`` images of each mode in drawn order, (N, H, W, 3), and their modes, (N,)."""
    modes = rng.permutation(np.repeat(np.arange(NUM_MODES), per_mode))
    stacked = np.empty((len(modes), *images.shape[1:3], NUM_CHANNELS), np.uint8)
    for channel, value in enumerate((NUM_DIGITS**2, NUM_DIGITS, 1)):
        rows = _draw(labels, modes // value % NUM_DIGITS, rng)
        stacked[..., channel] = images[rows, ..., 0]
    return stacked, modes


def _draw(
    labels: NDArray[np.int64], digits: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each of ``digits`` (N,) the row of an image with that label, (N,)."""
    rows = np.empty_like(digits)
    for digit in range(NUM_DIGITS):
        wanted = digits == digit
        rows[wanted] = rng.choice(np.flatnonzero(labels == digit), np.count_nonzero(wanted))
    return rows
