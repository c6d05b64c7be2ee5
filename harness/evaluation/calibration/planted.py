"""Planted collapses: what a collapsed or a poor generator would give, made of real images.

A dose says how much is spoiled; 0 is nothing, and the doses of a plant rise from harmless to plain.
Each plant is a pure function of (pool, size, dose, rng), so that what a score sees can be measured
against a known truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Images = NDArray[np.uint8]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pool:
    """Real images that samples are made of, and those that the imagined generator was trained on.

    images, training: uint8 (N, H, W, C) and (M, H, W, C) without a common image. labels: int64
    (N,), the true class of each of ``images``.
    """

    images: Images
    labels: NDArray[np.int64]
    training: Images


@dataclass(frozen=True)
class Plant:
    """A way to spoil a sample, and which of its doses count as a collapse.

    make: (pool, size, dose, rng) -> uint8 (size, H, W, C). doses: those that a calibration tries,
    rising. words: a dose as a person says it. collapsed_from: the smallest dose that is a
    collapse, that is, has lost diversity that nobody would do without; None where no dose is one.
    harmless_to: the largest dose that is none. What lies between is a matter of opinion: it is
    measured, but neither fitted nor counted.
    """

    make: Callable[[Pool, int, float, np.random.Generator], Images]
    doses: tuple[float, ...]
    words: Callable[[float], str]
    collapsed_from: float | None
    harmless_to: float

    def verdict(self, dose: float) -> bool | None:
        """Whether ``dose`` is a collapse; None where opinions may differ."""
        if self.collapsed_from is not None and dose >= self.collapsed_from:
            return True
        return False if dose <= self.harmless_to else None


def real_sample(pool: Pool, size: int, rng: np.random.Generator) -> Images:
    """``size`` different images of the pool, uint8 (size, H, W, C); ValueError if it has fewer."""
    return np.asarray(pool.images[rng.choice(len(pool.images), size, replace=False)])


def dropped_classes(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Images of all classes but a share ``dose`` of them, rounded to whole classes; one stays.

    Which classes are lost is drawn by ``rng``. Where the others have fewer than ``size`` images,
    these repeat as little as possible.
    """
    classes = np.unique(pool.labels)
    lost = rng.choice(classes, min(round(dose * len(classes)), len(classes) - 1), replace=False)
    return pool.images[_drawn(np.flatnonzero(~np.isin(pool.labels, lost)), size, rng)]


def repeated_images(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Draws with replacement from 1 / ``dose`` different images, equally likely; from all at 0.

    The support of the imagined generator is 1 / ``dose``, or the whole pool if that is smaller.
    """
    wanted = len(pool.images) if dose == 0 else round(1 / dose)
    support = _drawn(np.arange(len(pool.images)), min(wanted, len(pool.images)), rng)
    return np.asarray(pool.images[rng.choice(support, size)])


def shrunken_classes(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Images moved, pixel by pixel, a share ``dose`` of the way to one image of their class.

    The image that a class shrinks to is drawn by ``rng``: the classes stay, their spread goes.
    """
    rows = _drawn(np.arange(len(pool.images)), size, rng)
    targets = pool.images[_exemplars(pool, rng)[rows]]
    return _pixels((1 - dose) * pool.images[rows] + dose * targets.astype(np.float64))


def few_exemplars(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Images of which a share ``dose`` repeats one image of its class, drawn by ``rng``."""
    rows = _drawn(np.arange(len(pool.images)), size, rng)
    spoiled = _spoiled(size, dose, rng)
    rows[spoiled] = _exemplars(pool, rng)[rows[spoiled]]
    return pool.images[rows]


def imbalanced_classes(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Images of which a share ``dose`` is of one class drawn by ``rng``, on top of its own share.

    Where the class has too few images, they repeat as little as possible.
    """
    favoured = np.flatnonzero(pool.labels == rng.choice(np.unique(pool.labels)))
    rows = _drawn(np.arange(len(pool.images)), size, rng)
    spoiled = _spoiled(size, dose, rng)
    rows[spoiled] = _drawn(favoured, int(spoiled.sum()), rng)
    return pool.images[rows]


def copied_images(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Images of which a share ``dose`` is copied from ``pool.training``, once if possible."""
    images = pool.images[_drawn(np.arange(len(pool.images)), size, rng)]
    spoiled = _spoiled(size, dose, rng)
    images[spoiled] = pool.training[_drawn(np.arange(len(pool.training)), int(spoiled.sum()), rng)]
    return images


def blurred_images(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Images under a Gaussian blur of standard deviation ``dose`` pixels; edges are repeated."""
    images = pool.images[_drawn(np.arange(len(pool.images)), size, rng)]
    sigma = (0, dose, dose, 0)
    return _pixels(ndimage.gaussian_filter(images.astype(np.float64), sigma, mode="nearest"))


def noisy_images(pool: Pool, size: int, dose: float, rng: np.random.Generator) -> Images:
    """Images with Gaussian noise of standard deviation ``dose`` times 255 on every pixel."""
    images = pool.images[_drawn(np.arange(len(pool.images)), size, rng)]
    return _pixels(images + rng.normal(0.0, 255 * dose, images.shape))


def _drawn(rows: Rows, size: int, rng: np.random.Generator) -> Rows:
    """``size`` of the ``rows`` in random order, each as often as any other, give or take one."""
    rounds = max(1, -(-size // len(rows)))
    return np.concatenate([rng.permutation(rows) for _ in range(rounds)])[:size]


def _spoiled(size: int, dose: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of ``size`` places are spoiled: exactly a share ``dose`` of them, rounded."""
    return rng.permutation(size) < round(dose * size)


def _exemplars(pool: Pool, rng: np.random.Generator) -> Rows:
    """For each image of the pool the one image that stands for its class, (N,)."""
    classes, index = np.unique(pool.labels, return_inverse=True)
    chosen = [rng.choice(np.flatnonzero(pool.labels == label)) for label in classes]
    return np.asarray(chosen)[index]


def _pixels(values: NDArray[np.float64]) -> Images:
    """``values`` as uint8, rounded and clipped to [0, 255]."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


PLANTS: Mapping[str, Plant] = MappingProxyType(
    {
        "dropped_classes": Plant(
            dropped_classes,
            doses=(0.1, 0.2, 0.3, 0.5, 0.9),
            words=lambda dose: f"{dose:.0%} of the classes",
            collapsed_from=0.2,
            harmless_to=0.0,
        ),
        "repeated_images": Plant(
            repeated_images,
            doses=(1 / 3_000, 1 / 1_000, 1 / 300, 1 / 100, 1 / 30),
            words=lambda dose: f"{1 / dose:,.0f} different images",
            collapsed_from=1 / 100,
            harmless_to=0.0,
        ),
        "shrunken_classes": Plant(
            shrunken_classes,
            doses=(0.2, 0.4, 0.6, 0.8),
            words=lambda dose: f"{dose:.0%} of the way",
            collapsed_from=0.6,
            harmless_to=0.2,
        ),
        "few_exemplars": Plant(
            few_exemplars,
            doses=(0.1, 0.25, 0.5, 0.8),
            words=lambda dose: f"{dose:.0%} of the images",
            collapsed_from=0.5,
            harmless_to=0.0,
        ),
        "imbalanced_classes": Plant(
            imbalanced_classes,
            doses=(0.1, 0.25, 0.5, 0.8),
            words=lambda dose: f"{dose:.0%} of the images",
            collapsed_from=0.8,
            harmless_to=0.1,
        ),
        "copied_images": Plant(
            copied_images,
            doses=(0.25, 0.5, 1.0),
            words=lambda dose: f"{dose:.0%} of the images",
            collapsed_from=None,  # memorisation: as diverse as the training images are
            harmless_to=1.0,
        ),
        "blurred_images": Plant(
            blurred_images,
            doses=(0.5, 1.0, 2.0),
            words=lambda dose: f"{dose:g} pixels",
            collapsed_from=None,  # poor, not collapsed
            harmless_to=1.0,  # beyond it the classifier no longer tells the classes apart
        ),
        "noisy_images": Plant(
            noisy_images,
            doses=(0.05, 0.1, 0.2, 0.4),
            words=lambda dose: f"{dose:.0%} of the range",
            collapsed_from=None,  # poor, not collapsed
            harmless_to=0.1,  # beyond it the classifier no longer tells the classes apart
        ),
    }
)
"""Every planted collapse by name, and two that are none: poor images, and copies."""
