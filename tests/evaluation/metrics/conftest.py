"""Samples made from features or labels alone, for metrics that read nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.evaluation.metrics import Sample


def _from_features(features: np.ndarray) -> Sample:
    features = np.asarray(features, dtype=np.float64)
    # The bytes of the features as pixels: images differ exactly where the features do.
    pixels = np.frombuffer(np.ascontiguousarray(features).tobytes(), np.uint8)
    images = pixels.reshape(len(features), -1, 8, 1)
    return Sample(images, features, np.full((len(features), 2), 0.5))


def _from_labels(labels: list[int], num_classes: int) -> Sample:
    probabilities = np.eye(num_classes)[labels]
    images = np.zeros((len(labels), 4, 4, 1), np.uint8)
    return Sample(images, np.zeros((len(labels), 2)), probabilities)


@pytest.fixture
def from_features() -> Callable[[np.ndarray], Sample]:
    """A sample with these features (N, d); its images are the features' bytes."""
    return _from_features


@pytest.fixture
def from_labels() -> Callable[[list[int], int], Sample]:
    """A sample whose classifier is certain of these labels."""
    return _from_labels


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)
