"""What a dataset in Keras form must satisfy; each fault is one InputError that names it.

Types and shapes are checked without the values, so that a file can be refused by its headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError

SIZES = range(16, 65, 4)
"""Sides of the square images that the models take: generators begin at a quarter of them."""

MIN_PER_CLASS = 10
"""Fewest images of a class, in both splits together, for scores that count classes."""

CHANNELS = (1, 3)
"""Channel counts that the models take."""

MAX_CLASSES = 1_000
"""Most classes of a dataset, as many as Stacked MNIST has.

Per-class scores need some images of every class: the 5,000 that are scored by default hold five of
each of 1,000. The classifier, its table of probabilities and conditional discriminators grow with
the number of classes, too.
"""

SPLITS = (("x_train", "y_train"), ("x_test", "y_test"))

_MAX_LISTED = 8  # classes named in a message


@dataclass(frozen=True)
class ArraySpec:
    """Type and shape of one array, known before its values are read."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        """Size of the values in memory, in bytes, as an exact integer."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


def check_specs(specs: Mapping[str, ArraySpec], where: str) -> None:
    """Pass if types and shapes are those of Keras form; InputError starting with ``where`` if not.

    x_*: uint8 (N, S, S), (N, S, S, 1) or (N, S, S, 3), S in SIZES, the same in both splits.
    y_*: integers (N,) or (N, 1), as many as images.
    """
    for images, labels in SPLITS:
        check_image_type(images, specs[images], where)
        if specs[labels].dtype.kind not in "iu":
            raise InputError(f"{where}: {labels} is {specs[labels].dtype}; allowed: integer labels")
        if len(specs[images].shape) not in (3, 4):
            raise _shape_error(images, specs[images], where)
    _check_same_size(specs, where)
    for images, labels in SPLITS:
        _check_split(images, specs[images], labels, specs[labels], where)


def check_image_type(key: str, spec: ArraySpec, where: str) -> None:
    """Pass if the images are uint8; InputError otherwise."""
    if spec.dtype != np.uint8:
        raise InputError(f"{where}: {key} is {spec.dtype}; allowed: uint8 pixels in [0, 255]")


def check_labels(labels: Mapping[str, NDArray[Any]], where: str) -> None:
    """Pass if both splits hold every class 0, 1, ..., K-1; InputError if not.

    K is at most MAX_CLASSES. labels: ``y_train`` and ``y_test``, integers of any shape.
    """
    classes = {key: np.unique(labels[key]) for key in ("y_train", "y_test")}
    for key, found in classes.items():
        if found[0] < 0:
            raise InputError(
                f"{where}: {key} holds the negative label {found[0]}; allowed: 0, 1, 2, ..."
            )
    found = classes["y_train"]
    if len(found) > MAX_CLASSES:
        raise InputError(
            f"{where}: y_train holds {len(found):,} classes; allowed: 1 to {MAX_CLASSES:,}"
        )
    # Compared as Python integers, so that no unsigned label wraps around.
    if int(found[-1]) != len(found) - 1:
        raise InputError(
            f"{where}: y_train holds the classes {_listed(found)}; "
            f"allowed: 0 to {len(found) - 1}, without a gap"
        )
    if not np.array_equal(classes["y_test"], found):
        raise InputError(
            f"{where}: y_test holds the classes {_listed(classes['y_test'])}, "
            f"y_train {_listed(found)}; they must be the same"
        )


def class_fault(labels: Mapping[str, NDArray[Any]]) -> str:
    """Why classes cannot be told apart by labels that ``check_labels`` has passed; "" if they can.

    Then no score counts classes, rather than reading 0.
    """
    counts = np.bincount(np.concatenate([labels[key].ravel() for key in ("y_train", "y_test")]))
    if len(counts) == 1:
        return "all images are of one class"
    rarest = int(counts.argmin())
    if counts[rarest] < MIN_PER_CLASS:
        return f"class {rarest} has {counts[rarest]} images, fewer than {MIN_PER_CLASS}"
    return ""


def _check_same_size(specs: Mapping[str, ArraySpec], where: str) -> None:
    train, test = (_image_shape(specs[key]) for key in ("x_train", "x_test"))
    if train != test:
        raise InputError(
            f"{where}: x_train holds images of {_times(train)}, x_test of {_times(test)}; "
            "both splits need the same"
        )


def _check_split(
    images: str, image_spec: ArraySpec, labels: str, label_spec: ArraySpec, where: str
) -> None:
    height, width, channels = _image_shape(image_spec)
    if height != width or height not in SIZES or channels not in CHANNELS:
        raise _shape_error(images, image_spec, where)
    num_images = image_spec.shape[0]
    if num_images == 0:
        raise InputError(f"{where}: {images} is empty; needed: images")
    if label_spec.shape not in ((num_images,), (num_images, 1)):
        raise InputError(
            f"{where}: {labels} has shape {label_spec.shape}; "
            f"allowed: ({num_images},), one label for each image of {images}"
        )


def _image_shape(spec: ArraySpec) -> tuple[int, int, int]:
    height, width, channels = (*spec.shape[1:], 1)[:3]
    return height, width, channels


def _shape_error(key: str, spec: ArraySpec, where: str) -> InputError:
    return InputError(
        f"{where}: {key} has shape {spec.shape}; the models take (N, S, S), (N, S, S, 1) or "
        f"(N, S, S, 3), S a multiple of {SIZES.step} from {SIZES[0]} to {SIZES[-1]}"
    )


def _times(shape: tuple[int, int, int]) -> str:
    return "x".join(str(length) for length in shape)


def _listed(classes: NDArray[Any]) -> str:
    names = [str(label) for label in classes[:_MAX_LISTED]]
    if len(classes) > _MAX_LISTED:
        names.append(f"... ({len(classes)} in all)")
    return ", ".join(names)
