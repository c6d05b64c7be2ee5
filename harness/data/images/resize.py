"""Images at another size: resized with a low-pass filter, cropped to a square about the centre."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from harness.data.dataset import Dataset


def square(image: Image.Image, side: int) -> Image.Image:
    """``image`` at ``side`` x ``side`` pixels: its largest centred square, resized.

    Lanczos filtering with the support of the coarser grid (Pillow), so that shrinking does not
    alias: Parmar et al. 2022 show what other resizers do to Fréchet distances.
    """
    if image.size == (side, side):
        return image
    return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)


def resized(dataset: Dataset, side: int) -> Dataset:
    """``dataset`` with images of ``side`` x ``side``; the very dataset if they are so already."""
    if dataset.image_shape[:2] == (side, side):
        return dataset
    arrays: dict[str, NDArray[Any]] = {
        "x_train": _resize_all(dataset.x_train, side),
        "y_train": dataset.y_train,
        "x_test": _resize_all(dataset.x_test, side),
        "y_test": dataset.y_test,
    }
    source = f"{dataset.source}, resized to {side}x{side} (Lanczos)"
    made = Dataset.from_keras_form(dataset.name, arrays, source)
    return dataclasses.replace(made, class_fault=dataset.class_fault)


def _resize_all(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """uint8 (N, H, W, C) as (N, side, side, C)."""
    shape = (len(images), side, side, images.shape[3])
    made = np.empty(shape, np.uint8)
    for target, image in zip(made, images, strict=True):
        planes = image[..., 0] if image.shape[2] == 1 else image
        target[...] = np.asarray(square(Image.fromarray(planes), side)).reshape(shape[1:])
    return made
