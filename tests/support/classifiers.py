"""A dataset and a recipe that train in a second."""

from __future__ import annotations

import numpy as np

from harness.data.dataset import Dataset
from harness.evaluation.classifier.network import Recipe

TINY = Recipe(channels=(4, 4), feature_dim=6, min_images=64, max_images=64, batch_size=32)
"""Two training steps: enough for a file, not for a good classifier."""


def bars(num_train: int = 48, num_test: int = 24, channels: int = 1, seed: int = 0) -> Dataset:
    """Three classes of noisy images: a horizontal, a vertical and a diagonal bar."""
    rng = np.random.default_rng(seed)
    y = np.arange(num_train + num_test) % 3
    x = rng.integers(0, 60, (len(y), 28, 28, channels), dtype=np.uint8)
    for image, label in zip(x, y, strict=True):
        at = rng.integers(8, 16)
        rows, columns = np.mgrid[:28, :28]
        inside = [(rows - at) // 4 == 0, (columns - at) // 4 == 0, abs(rows - columns) < 3][label]
        image[inside] = 220
    arrays = {
        "x_train": x[:num_train],
        "y_train": y[:num_train],
        "x_test": x[num_train:],
        "y_test": y[num_train:],
    }
    return Dataset.from_keras_form("bars", arrays, "made up")
