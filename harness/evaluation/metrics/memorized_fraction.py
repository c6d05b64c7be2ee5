"""Share of the fakes that are copies of training images, or nearly so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample, metric
from harness.evaluation.metrics._pairs import CLOSED, NUM_NEAREST, OPEN, squared_distances

LEVEL = 0.05
"""Share of held-out real images that count as copies: what a generator without copies reads."""


@metric(
    direction="minimize",
    low=0.0,
    high=1.0,
    unit="share of generated images",
    source="Carlini et al. 2023 (distance relative to neighbours); Meehan et al. 2020 (held-out)",
    needs_training=True,
    needs_classes=True,
)
def memorized_fraction(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Share of the fakes nearer to a training image than all but 5 % of held-out real images are.

    Nearness is the feature distance to the nearest training image over that to the fifth nearest,
    among those of the same predicted class: 0 for a copy, near 1 for a new image, in crowded and
    in empty regions alike. The threshold comes from ``real``, which was held out, so about 0.05
    is the level without copies and 1 a generator of copies. It does not see collapse. All training
    images are searched. Deterministic; ``rng`` is unused. Raises InputError for a ``real`` without
    training images.
    """
    training = real.training
    if training is None:
        raise InputError("memorized_fraction takes a real sample with its training images")
    limit = real.derived("nearness_limit", lambda: _limit(real, training))
    # Where none is nearer than the others, an image is no copy, however the held-out ones look.
    return float((_nearness(fake, training) <= min(CLOSED * limit, OPEN)).mean())


def _limit(real: Sample, training: Sample) -> float:
    """The nearness that a share ``LEVEL`` of held-out images stays within."""
    return float(np.quantile(_nearness(real, training), LEVEL, method="lower"))


def _nearness(sample: Sample, training: Sample) -> NDArray[np.float64]:
    """Distance to the nearest over the fifth nearest training image of the class, (N,) in [0, 1].

    1 where the classifier finds no training image of that class.
    """
    nearness = np.ones(len(sample))
    for label in np.unique(sample.labels):
        own = np.flatnonzero(sample.labels == label)
        candidates = training.features[training.labels == label]
        if len(candidates):
            nearness[own] = _relative_distances(sample.features[own], candidates)
    return nearness


def _relative_distances(
    x: NDArray[np.float64], candidates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Nearest over fifth nearest distance of each row of ``x``; 0 for an equal candidate."""
    far = min(NUM_NEAREST, len(candidates)) - 1
    relative = np.empty(len(x))
    for rows, block in squared_distances(x, candidates):
        block.partition((0, far) if far else 0, axis=1)
        nearest, scale = block[:, 0], block[:, far]
        relative[rows] = np.sqrt(nearest / np.where(nearest > 0.0, scale, 1.0))
    return relative
