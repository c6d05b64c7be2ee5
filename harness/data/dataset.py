"""A dataset: labelled uint8 images in two splits, checked, with a fingerprint of their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.core.seeds import derive_seed
from harness.data.checks import class_fault

ARRAY_NAMES = ("x_train", "y_train", "x_test", "y_test")
"""The four arrays of a dataset in Keras form, in the order in which they are fingerprinted."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels as they came, nothing scaled.

    x_train, x_test: uint8 (N, H, W, C), C in {1, 3}. y_train, y_test: int64 (N,) in
    [0, num_classes). fingerprint: sha256 (64 hexadecimal digits) of the four arrays' types, shapes
    and bytes; the order of the rows counts. name: as a person would call it. source: where it came
    from, in words, for the report. channels_of: where every channel is an image of its own, the
    one-channel dataset that they were drawn from. class_fault: why no score counts classes, ""
    where they can be told apart.
    """

    name: str
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    num_classes: int
    fingerprint: str
    source: str
    channels_of: Dataset | None = None
    class_fault: str = ""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        height, width, channels = self.x_train.shape[1:]
        return height, width, channels

    @classmethod
    def from_keras_form(cls, name: str, arrays: Mapping[str, NDArray[Any]], source: str) -> Dataset:
        """The dataset of four arrays that ``harness.data.checks`` has passed.

        x_*: uint8 (N, H, W) or (N, H, W, C); a missing channel axis is added. y_*: integers (N,) or
        (N, 1), holding every class from 0 on; they become int64 (N,).
        """
        images = {key: _with_channels(arrays[key]) for key in ("x_train", "x_test")}
        labels = {
            key: np.ascontiguousarray(arrays[key].reshape(-1), dtype=np.int64)
            for key in ("y_train", "y_test")
        }
        return cls(
            name=name,
            num_classes=int(labels["y_train"].max()) + 1,
            fingerprint=fingerprint({**images, **labels}),
            source=source,
            x_train=images["x_train"],
            x_test=images["x_test"],
            y_train=labels["y_train"],
            y_test=labels["y_test"],
            class_fault=class_fault(labels),
        )


def drawn(dataset: Dataset, training_images: int, seed: int) -> Dataset:
    """The ``dataset`` with so many of its training images, as many of each class; all of its tests.

    Drawn without replacement by ``seed``, in their order; 0 for the dataset itself. Raises
    InputError as ``check_drawable`` does.
    """
    if not training_images:
        return dataset
    check_drawable(dataset, training_images)
    rng = np.random.default_rng(derive_seed(seed, "training_images"))
    each = training_images // dataset.num_classes
    classes = [np.flatnonzero(dataset.y_train == label) for label in range(dataset.num_classes)]
    rows = np.sort(np.concatenate([rng.choice(one, each, replace=False) for one in classes]))
    few = replace(
        dataset,
        x_train=dataset.x_train[rows],
        y_train=dataset.y_train[rows],
        source=f"{dataset.source}, {training_images:,} training images drawn by seed {seed}",
    )
    return replace(few, fingerprint=fingerprint({key: getattr(few, key) for key in ARRAY_NAMES}))


def check_drawable(dataset: Dataset, training_images: int) -> None:
    """Raise InputError unless so many can be drawn, as many of each class; 0 always can."""
    classes = dataset.num_classes
    most = classes * int(np.bincount(dataset.y_train, minlength=classes).min())
    if training_images % classes or training_images > most:
        raise InputError(
            f"training_images is {training_images:,}; allowed for {dataset.name}: 0, or a multiple "
            f"of its {classes} classes up to {most:,}"
        )


def fingerprint(arrays: Mapping[str, NDArray[Any]]) -> str:
    """The sha256 of the four arrays' types, shapes and bytes, as 64 hexadecimal digits.

    The bytes are taken in C order and little endian, so that every machine finds the same.
    """
    digest = hashlib.sha256()
    for key in ARRAY_NAMES:
        array = arrays[key]
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _with_channels(images: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images if images.ndim == 4 else images[..., None], dtype=np.uint8)
