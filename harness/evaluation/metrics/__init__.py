"""Scores: pure functions of two samples, one file each, found by scanning this folder.

A metric file ``<name>.py`` holds one function ``<name>(real, fake, rng) -> float`` decorated with
``@metric(direction=..., low=..., high=..., unit=..., source=...)``. It sees images, features and
class probabilities only through ``Sample``, and imports numpy and scipy alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError

T = TypeVar("T")

JUDGES = ("", "fidelity", "diversity", "both")
"""What a score may be a judge of."""


class NoScoreError(InputError):
    """A score does not exist for these images; the others do. The message says why."""


@dataclass(frozen=True, eq=False)
class Sample:
    """What the metrics see of N images, real or generated.

    images: uint8 (N, H, W, C) in [0, 255]. features: float64 (N, d), the penultimate layer of the
    reference classifier. probabilities: float64 (N, num_classes), its softmax; rows sum to 1.
    training: on the real side, what a generator could have copied; None where nothing asks for it.
    What is derived from them is computed once per object, so a study keeps one real Sample.
    Raises InputError for fewer than two images, shapes that disagree and features or
    probabilities that are not finite.
    """

    images: NDArray[np.uint8]
    features: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    training: Sample | None = None
    _derived: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what would otherwise surface as a NaN score."""
        shapes = (self.images.shape, self.features.shape, self.probabilities.shape)
        if [len(shape) for shape in shapes] != [4, 2, 2] or len({shape[0] for shape in shapes}) > 1:
            raise InputError(
                "a sample takes images (N, H, W, C), features (N, d), probabilities (N, classes); "
                f"got {shapes[0]}, {shapes[1]}, {shapes[2]}"
            )
        if len(self) < 2:
            raise InputError(f"a sample takes at least 2 images, got {len(self)}")
        for name in ("features", "probabilities"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"the {name} of a sample must be finite; NaN or infinity came")

    def __len__(self) -> int:
        """The number of images, N."""
        return len(self.features)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The class that the classifier gives to each image, (N,) in [0, num_classes)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def content_order(self) -> NDArray[np.int64]:
        """Indices that sort the images by their bytes, (N,).

        What is drawn at random from this order does not depend on the order of the images.
        """
        rows = np.ascontiguousarray(self.images).reshape(len(self), -1)
        return np.argsort(rows.view(f"S{rows.shape[1]}").ravel(), kind="stable")

    def take(self, size: int, rng: np.random.Generator) -> Sample:
        """``size`` of the images, drawn without replacement; this very sample if that is all.

        The set that is drawn does not depend on the order of the images. Raises InputError for a
        size above N.
        """
        if size > len(self):
            raise InputError(f"{size} images asked of a sample of {len(self)}")
        if size == len(self):
            return self
        chosen = self.content_order[rng.choice(len(self), size, replace=False)]
        return self.rows(chosen)

    def rows(self, indices: NDArray[np.int64]) -> Sample:
        """The sample of the images at ``indices``, in that order, beside the same training images.

        Raises InputError for fewer than two of them.
        """
        return Sample(
            self.images[indices], self.features[indices], self.probabilities[indices], self.training
        )

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Mean of the features, (d,)."""
        return np.asarray(self.features.mean(axis=0))

    @cached_property
    def covariance(self) -> NDArray[np.float64]:
        """Unbiased covariance of the features (divisor N - 1), (d, d)."""
        return np.atleast_2d(np.cov(self.features, rowvar=False, ddof=1))

    @cached_property
    def class_shares(self) -> NDArray[np.float64]:
        """Share of the images that the classifier gives each class, (num_classes,); sums to 1."""
        counts = np.bincount(self.labels, minlength=self.probabilities.shape[1])
        return np.asarray(counts / len(self))

    def derived(self, key: str, compute: Callable[[], T]) -> T:
        """``compute()``, kept under ``key``: for a metric's own costly real-side quantity."""
        if key not in self._derived:
            self._derived[key] = compute()
        value: T = self._derived[key]
        return value


@dataclass(frozen=True)
class Metric:
    """A registered score and what a reader must know of it.

    direction: "minimize" if lower is better, "maximize" if higher is. low, high: closed range of
    its values (None where unbounded). target: the value of a generator without error, for a score
    that can be too high as well as too low; direction then says which fault it is asked for.
    judges: "fidelity", "diversity" or "both"; "" for a score of neither, or of images alone. By it
    the score is put to the checks of ``evaluation/sanity``.
    unit: of the value. source: paper and equation or section.
    needs_training: whether the real sample has to carry its training images. needs_classes: whether
    it reads the classes that the classifier sees, which not every dataset has.
    """

    name: str
    function: Callable[[Sample, Sample, np.random.Generator], float]
    direction: str
    low: float | None
    high: float | None
    unit: str
    source: str
    target: float | None = None
    judges: str = ""
    needs_training: bool = False
    needs_classes: bool = False

    def __call__(self, real: Sample, fake: Sample, rng: np.random.Generator) -> float:
        """The score of ``fake`` against ``real``; ``rng`` is the only source of randomness."""
        return float(self.function(real, fake, rng))


def metric(
    *,
    direction: str,
    unit: str,
    source: str,
    low: float | None = None,
    high: float | None = None,
    target: float | None = None,
    judges: str = "",
    needs_training: bool = False,
    needs_classes: bool = False,
) -> Callable[[Callable[[Sample, Sample, np.random.Generator], float]], Metric]:
    """Register the decorated function as a Metric under its own name."""
    if direction not in ("minimize", "maximize"):
        raise ValueError(f"direction is 'minimize' or 'maximize', got {direction!r}")
    if judges not in JUDGES:
        raise ValueError(f"judges is one of {', '.join(map(repr, JUDGES))}, got {judges!r}")

    def register(function: Callable[[Sample, Sample, np.random.Generator], float]) -> Metric:
        name = function.__name__
        needs = {"needs_training": needs_training, "needs_classes": needs_classes}
        return Metric(name, function, direction, low, high, unit, source, target, judges, **needs)

    return register
