"""The embedded dataset: scikit-learn's handwritten digits at the size that the models take.

1,797 images of 8x8 pixels in 0..16, the test part of the UCI set "Optical Recognition of
Handwritten Digits" (Alpaydin and Kaynak 1998). They come with scikit-learn: no download.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.data.dataset import Dataset

TEST_SHARE = 0.3
SPLIT_SEED = 0
"""Seed of the split, the same for every study, so that scores compare."""

FEW_PER_CLASS = 20

_SIDE = 28  # as MNIST's
_LARGEST_VALUE = 16  # of scikit-learn's pixels


def load_digits() -> Dataset:
    """The digits as uint8 (N, 28, 28, 1): 1,257 training and 540 test images of 10 classes.

    The split is stratified by class and fixed by ``SPLIT_SEED``.
    """
    # Imported here: it takes two seconds, and the parent of workers loads no data.
    from sklearn.datasets import load_digits as load_sklearn_digits
    from sklearn.model_selection import train_test_split

    raw = load_sklearn_digits()
    images = np.stack([_enlarge(image) for image in raw.images])
    x_train, x_test, y_train, y_test = train_test_split(
        images, raw.target, test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=raw.target
    )
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return Dataset.from_keras_form(
        "digits", arrays, "scikit-learn's handwritten digits, 8x8 enlarged to 28x28 (bicubic)"
    )


def load_few_digits() -> Dataset:
    """The digits with few training images, 200: the first FEW_PER_CLASS of each class.

    The 540 test images are those of ``load_digits``. For questions about scarce data: what a GAN
    and a classifier learn from so few.
    """
    digits = load_digits()
    rows = [np.flatnonzero(digits.y_train == label)[:FEW_PER_CLASS] for label in range(10)]
    chosen = np.sort(np.concatenate(rows))
    arrays: dict[str, NDArray[Any]] = {
        "x_train": digits.x_train[chosen],
        "y_train": digits.y_train[chosen],
        "x_test": digits.x_test,
        "y_test": digits.y_test,
    }
    source = f"{digits.source}, {FEW_PER_CLASS} training images of each class"
    return Dataset.from_keras_form("few_digits", arrays, source)


def _enlarge(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """One image, (8, 8) in 0..16, as uint8 (28, 28) in [0, 255].

    The strokes touch the border of the 8x8 image, so one row of background is put around it
    first: they end smoothly and keep a margin. Pillow resizes 8-bit images in integer arithmetic,
    which gives the same bytes on every machine.
    """
    pixels = np.rint(image * (255 / _LARGEST_VALUE)).astype(np.uint8)
    framed = Image.fromarray(np.pad(pixels, 1))
    return np.asarray(framed.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))
