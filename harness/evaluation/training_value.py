"""What the images of a conditional generator are worth to a classifier as training data.

Classifiers are trained alike on different images and tried on the real test split, which neither
they nor the generator saw. Their real images are all training images, the very ones that the
generator saw: it brings nothing that the classifiers could not have had. To ask what generated
images are worth where real ones are few, take a dataset with few: few for the generator as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.core import schema
from harness.core.seeds import derive_seed
from harness.data.dataset import Dataset
from harness.evaluation.classifier.network import Recipe
from harness.evaluation.students import Augment, Labelled, Students

STUDENT = Recipe(channels=(8, 16, 32), batch_size=64)
NUM_STUDENTS = 3
"""Classifiers with seeds of their own behind each accuracy, which is their mean."""

MIN_IMAGES = 10_240
"""Images that a classifier sees: so many, or each real one once if that is more."""

MIN_GENERATED = 5_000
"""Different generated images, rounded up to a multiple of the real ones."""

_CAS = "Ravuri and Vinyals 2019, section 3, with this classifier"
_HERE = "this project"

_ACCURACIES = {
    schema.CLASSIFICATION_ACCURACY_SCORE: ("generated images alone", _CAS),
    schema.REAL_ACCURACY: ("real images alone", _HERE),
    schema.CLASSIC_ACCURACY: ("real images, shifted, rotated and zoomed at random", _HERE),
    schema.GENERATED_ACCURACY: (
        "real and as many generated images, all shifted, rotated and zoomed at random",
        _HERE,
    ),
}
"""Accuracy -> what its classifiers are trained on, and the source."""


def num_generated(dataset: Dataset) -> int:
    """How many generated images ``training_value`` takes: a multiple of the training images."""
    return _repeats(dataset) * len(dataset.x_train)


def training_value(
    dataset: Dataset, generated: Labelled, augment: Augment, seed: int, max_images: int
) -> dict[str, float]:
    """TRAINING_VALUE_SCORES of ``generated``, whose labels are those that were asked for.

    generated: ``num_generated`` of them. augment: classic augmentation. Each accuracy is the mean
    of NUM_STUDENTS classifiers, all trained for the same number of images, at most ``max_images``.
    Their seeds are derived from ``seed`` and the same for every kind, so that the gain is a paired
    difference; it should be the generator's own, so that the classifiers' luck averages out over
    generators too. Raises HarnessError if a loss is not finite, ValueError for another number of
    generated images.
    """
    if len(generated) != num_generated(dataset):
        raise ValueError(f"takes {num_generated(dataset):,} images, got {len(generated):,}")
    real = Labelled(dataset.x_train, dataset.y_train)
    exam = Labelled(dataset.x_test, dataset.y_test)
    num_images = min(_num_images(dataset), max_images)
    students = Students(STUDENT, dataset.image_shape, dataset.num_classes, num_images, augment)

    def accuracy(lesson: Labelled, *, augmented: bool) -> float:
        seeds = [derive_seed(seed, "student", index) for index in range(NUM_STUDENTS)]
        found = [students.accuracy(lesson, exam, each, augmented=augmented) for each in seeds]
        return float(np.mean(found))

    classic = accuracy(real, augmented=True)
    mixed = accuracy(real.repeated(_repeats(dataset)) + generated, augmented=True)
    return {
        schema.CLASSIFICATION_ACCURACY_SCORE: accuracy(generated, augmented=False),
        schema.AUGMENTATION_GAIN: mixed - classic,
        schema.REAL_ACCURACY: accuracy(real, augmented=False),
        schema.CLASSIC_ACCURACY: classic,
        schema.GENERATED_ACCURACY: mixed,
    }


def records() -> dict[str, dict[str, Any]]:
    """Score -> what a reader must know of it, as for a metric, ready for JSON."""
    found = {
        name: _record(0.0, f"Real test images told right after training on {images}.", source)
        for name, (images, source) in _ACCURACIES.items()
    }
    words = f"{schema.GENERATED_ACCURACY} - {schema.CLASSIC_ACCURACY}: above 0, they help."
    found[schema.AUGMENTATION_GAIN] = _record(-1.0, words, _HERE)
    return {name: found[name] for name in schema.TRAINING_VALUE_SCORES}


def setting(dataset: Dataset) -> dict[str, Any]:
    """How the classifiers are trained, ready for JSON."""
    return {
        "classifiers per accuracy": NUM_STUDENTS,
        "images seen by each": f"{_num_images(dataset):,}, no more than the generator saw",
        "real images": len(dataset.x_train),
        "real images are": "the whole training split, which the generator saw too",
        "generated images": num_generated(dataset),
        "recipe": STUDENT.hash,
    }


def _record(low: float, summary: str, source: str) -> dict[str, Any]:
    return {
        "direction": "maximize",
        "low": low,
        "high": 1.0,
        "unit": "share of the test images",
        "summary": summary,
        "source": source,
    }


def _num_images(dataset: Dataset) -> int:
    return max(MIN_IMAGES, len(dataset.x_train))


def _repeats(dataset: Dataset) -> int:
    """How often the real images are repeated, so that generated ones are half of a lesson."""
    return -(-MIN_GENERATED // len(dataset.x_train))
