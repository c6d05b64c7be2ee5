"""Pixel scalings: from uint8 images to the range that a network sees, and back.

Each is an affine map per pixel, ``scaled = multiplier * x + offset``, so that a training step can
apply it on the device and every scaling has an exact inverse on uint8 images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler

from harness.core.config import CHOICES
from harness.core.errors import InputError


@dataclass(frozen=True, eq=False)
class PixelScaling:
    """The map ``scaled = multiplier * x + offset`` from pixels in [0, 255], and its inverse.

    multiplier, offset: float32, read-only, (1, 1, 1) or (H, W, C). low, high: the range of the
    scaled images that it was fitted on, up to float32 rounding; with ``minmax`` and ``maxabs``
    another image can leave it where its pixel is darker or brighter than any fitted one.
    """

    name: str
    multiplier: NDArray[np.float32]
    offset: NDArray[np.float32]
    low: float
    high: float

    def scale(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The images as the networks see them, float32, same shape.

        images: uint8 (N, H, W, C) or (H, W, C). Raises ValueError for another type.
        """
        if images.dtype != np.uint8:
            raise ValueError(f"scale takes uint8 images, got {images.dtype}")
        return images.astype(np.float32) * self.multiplier + self.offset

    def unscale(self, values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        """The images that ``values`` stand for: uint8, rounded to nearest and clipped to [0, 255].

        values: floating point (N, H, W, C) or (H, W, C), in the scaled range. Raises ValueError if
        one is NaN or infinite: such a generator has diverged, and no pixel stands for that.
        """
        scaled = np.asarray(values, np.float64)
        if not np.isfinite(scaled).all():
            raise ValueError("values to unscale hold a NaN or an infinity")
        pixels = (scaled - self.offset) / self.multiplier
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def fit_scaling(name: str, images: NDArray[np.uint8]) -> PixelScaling:
    """The scaling ``name``, fitted on the training ``images``, uint8 (N, H, W, C) with N >= 1.

    ``centered``: x / 127.5 - 1, in [-1, 1]. ``unit``: x / 255, in [0, 1]. ``minmax`` and
    ``maxabs``: scikit-learn's MinMaxScaler and MaxAbsScaler, each pixel on its own, in [0, 1];
    ``minmax`` moves a pixel that never changes to 0 and keeps its unit of one grey level. Raises
    InputError for another name.
    """
    if name == "centered":
        return _affine(name, np.full((1, 1, 1), 1 / 127.5), np.full((1, 1, 1), -1.0), low=-1.0)
    if name == "unit":
        return _affine(name, np.full((1, 1, 1), 1 / 255), np.zeros((1, 1, 1)))
    shape = images.shape[1:]
    # Both scalers depend on each pixel's extremes alone, so two rows stand for all the images.
    extremes = np.stack([images.min(axis=0), images.max(axis=0)]).reshape(2, -1)
    if name == "minmax":
        minmax = MinMaxScaler().fit(extremes)
        return _affine(name, minmax.scale_.reshape(shape), minmax.min_.reshape(shape))
    if name == "maxabs":
        maxabs = MaxAbsScaler().fit(extremes)
        return _affine(name, 1 / maxabs.scale_.reshape(shape), np.zeros(shape))
    allowed = ", ".join(CHOICES["pixel_scaling"])
    raise InputError(f"unknown pixel_scaling {name!r}; allowed: {allowed}")


def _affine(
    name: str, multiplier: NDArray[np.float64], offset: NDArray[np.float64], low: float = 0.0
) -> PixelScaling:
    arrays = [np.asarray(array, np.float32) for array in (multiplier, offset)]
    for array in arrays:
        array.setflags(write=False)
    return PixelScaling(name, arrays[0], arrays[1], low=low, high=1.0)
