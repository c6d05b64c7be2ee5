"""The training image nearest to each of some images, beside how near held-out real images lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample
from harness.evaluation.metrics._pairs import squared_distances

MOST_HELD_OUT = 1_000
"""Held-out real images that are compared with; of more, so many are drawn, always the same ones."""


@dataclass(frozen=True, eq=False)
class NearestTraining:
    """For each of N images: the nearest of the training images, and how near it is.

    images: uint8 (N, H, W, C), training images. distances: float64 (N,), Euclidean in the features
    in which ``authentic_fraction`` and ``copying_ct`` compare. nearer: float64 (N,), the share of
    ``held_out`` real images that lie nearer to a training image. num_training: how many were
    searched.
    """

    images: NDArray[np.uint8]
    distances: NDArray[np.float64]
    nearer: NDArray[np.float64]
    held_out: NDArray[np.float64]
    num_training: int

    def to_dict(self) -> dict[str, Any]:
        """The numbers, ready for JSON."""
        return {
            "num_training": self.num_training,
            "num_held_out": len(self.held_out),
            "held_out_median": float(np.median(self.held_out)),
            "distances": self.distances.tolist(),
            "held_out_nearer": self.nearer.tolist(),
        }


def nearest_training(real: Sample, fake: Sample) -> NearestTraining:
    """The nearest of the training images of ``real`` to each image of ``fake``.

    Deterministic. Raises InputError for a ``real`` without training images.
    """
    training = real.training
    if training is None:
        raise InputError("nearest_training takes a real sample with its training images")
    places, distances = _nearest(fake.features, training.features)
    held_out = real.derived("nearest_training", lambda: _held_out(real, training))
    nearer = (held_out[None, :] < distances[:, None]).mean(axis=1)
    return NearestTraining(training.images[places], distances, nearer, held_out, len(training))


def _held_out(real: Sample, training: Sample) -> NDArray[np.float64]:
    some = real.take(min(MOST_HELD_OUT, len(real)), np.random.default_rng(0))
    return _nearest(some.features, training.features)[1]


def _nearest(
    features: NDArray[np.float64], training: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Row of the nearest training image, and its distance, for each of ``features``; (N,) both."""
    places, distances = np.empty(len(features), np.int64), np.empty(len(features))
    for rows, block in squared_distances(features, training):
        places[rows] = block.argmin(axis=1)
        distances[rows] = np.sqrt(block.min(axis=1))
    return places, distances
