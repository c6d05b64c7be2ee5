"""The feature network of images without classes: it learned to tell by how far they are turned.

Gidaris et al. 2018 (RotNet, section 3): whoever tells whether an image is turned by 0, 90, 180 or
270 degrees has learned what it shows. The rotations are the labels, so no image needs one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.classifier.reference import ReferenceClassifier

ROTATIONS = 4
MAX_TRAINING = 25_000
"""Most training images that are turned: four of each are kept in memory."""


def load_rotation_classifier(
    dataset: Dataset, cache_dir: Path, on_progress: Callable[[str], None] | None = None
) -> ReferenceClassifier:
    """The classifier of rotations of ``dataset``: its features serve scores, its classes do not.

    ``cache_dir``, ``on_progress`` and the errors are those of ``load_reference``.
    """
    classifier = load_reference(turned(dataset), cache_dir, on_progress)
    extractor = dict(classifier.info.extractor)
    extractor["preprocessing"] = f"{extractor['preprocessing']}; trained to tell rotations"
    return ReferenceClassifier(classifier.network, replace(classifier.info, extractor=extractor))


def turned(dataset: Dataset) -> Dataset:
    """``dataset`` in four copies, turned by 0, 90, 180 and 270 degrees, which are the labels."""
    arrays: dict[str, NDArray[Any]] = {
        "x_train": _turn(dataset.x_train[:MAX_TRAINING]),
        "y_train": _labels(min(len(dataset.x_train), MAX_TRAINING)),
        "x_test": _turn(dataset.x_test),
        "y_test": _labels(len(dataset.x_test)),
    }
    source = f"{dataset.source}, turned by quarters"
    return Dataset.from_keras_form(f"{dataset.name}-rotations", arrays, source)


def _turn(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Square images (N, S, S, C) as (4 N, S, S, C), all of one rotation after those of another."""
    return np.concatenate([np.rot90(images, k, axes=(1, 2)) for k in range(ROTATIONS)])


def _labels(count: int) -> NDArray[np.int64]:
    return np.repeat(np.arange(ROTATIONS), count)
