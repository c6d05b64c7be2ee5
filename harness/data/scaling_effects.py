"""What each pixel scaling does to the pixels of a dataset, in numbers.

The scalers of scikit-learn look at every pixel position on its own. On images whose borders are
never bright that stretches noise there to the full range; this says how much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.config import CHOICES
from harness.data.scaling import PixelScaling, fit_scaling

GREY_LEVELS = 256
ROUNDING = 1e-6
"""Differences below this share of the range are float32's: the smallest true one is 1 / 64,770."""

_CHUNK = 1_000


def describe_scalings(
    training: NDArray[np.uint8], test: NDArray[np.uint8]
) -> dict[str, dict[str, float]]:
    """Scaling -> what it does to the ``training`` images that it is fitted on, and to ``test``.

    low, high: the smallest and the largest value of the scaled training images.
    constant_pixels: positions (H x W x C) that never change in training, which a network sees as
    constant. stretched_pixels: other positions that are scaled by more than global scaling does.
    largest_stretch: by what factor more, at most, constant positions left out; 1 is none.
    difference_percent: mean distance of the scaled training images from globally scaled ones, in
    per cent of the range. leaving_percent: share of all values of the test images that leave the
    scaling's range, in per cent.

    Both take uint8 (N, H, W, C), N >= 1. Global scaling is x / 255 on the scaling's range.
    """
    counts, test_counts = _level_counts(training), _level_counts(test)
    return {
        name: _effects(fit_scaling(name, training), counts, test_counts)
        for name in CHOICES["pixel_scaling"]
    }


def _effects(
    scaling: PixelScaling, counts: NDArray[np.int64], test_counts: NDArray[np.int64]
) -> dict[str, float]:
    levels = np.arange(GREY_LEVELS, dtype=np.uint8)[:, None, None, None]
    scaled = np.broadcast_to(scaling.scale(levels).astype(np.float64), counts.shape)
    width = scaling.high - scaling.low
    in_range = (scaled - scaling.low) / width
    difference = np.abs(in_range - levels / 255)
    difference[difference < ROUNDING] = 0.0
    changing = (counts > 0).sum(axis=0) > 1
    stretch = np.broadcast_to(scaling.multiplier * 255 / width, changing.shape)[changing]
    # Grey levels are whole numbers: half of one is far from both rounding and the next value.
    margin = scaling.multiplier / 2
    leaving = (scaled < scaling.low - margin) | (scaled > scaling.high + margin)
    return {
        "low": _rounded(scaled[counts > 0].min()),
        "high": _rounded(scaled[counts > 0].max()),
        "constant_pixels": int((~changing).sum()),
        "stretched_pixels": int((stretch > 255 / 254.5).sum()),  # the smallest stretch is 255 / 254
        "largest_stretch": _rounded(stretch.max(initial=1.0)),
        "difference_percent": _rounded(100 * (counts * difference).sum() / counts.sum()),
        "leaving_percent": _rounded(100 * test_counts[leaving].sum() / test_counts.sum()),
    }


def _level_counts(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each position has each grey level, (256, H, W, C)."""
    shape = images.shape[1:]
    positions = np.arange(np.prod(shape))
    counts = np.zeros(GREY_LEVELS * len(positions), np.int64)
    for begin in range(0, len(images), _CHUNK):
        chunk = images[begin : begin + _CHUNK].reshape(-1, len(positions)).astype(np.int64)
        cells = (chunk * len(positions) + positions).ravel()
        counts += np.bincount(cells, minlength=len(counts))
    return counts.reshape(GREY_LEVELS, *shape)


def _rounded(value: float) -> float:
    """``value`` to the six digits that float32 is good for."""
    return float(f"{value:.6g}")
