"""Weight files of the reference classifier: what they say of themselves, and how it is checked.

One array per weight, named by its layer, with the record of how they were made.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from harness.data.dataset import Dataset
from harness.data.record_file import (
    RecordError,
    canonical,
    read_record_file,
    write_record_file,
)
from harness.evaluation.classifier.network import PREPROCESSING, Recipe, build_network

FORMAT = 1


@dataclass(frozen=True)
class Identity:
    """What a classifier is made from; two of them with equal identities are interchangeable.

    dataset_fingerprint: ``content_fingerprint`` of the dataset. image_shape: (H, W, C).
    """

    dataset_fingerprint: str
    image_shape: tuple[int, int, int]
    num_classes: int
    recipe_hash: str
    preprocessing: str
    format: int

    @classmethod
    def of(cls, dataset: Dataset, recipe: Recipe) -> Identity:
        """The identity of what ``recipe`` makes of ``dataset``."""
        content = content_fingerprint(dataset)
        shape, classes = dataset.image_shape, dataset.num_classes
        return cls(content, shape, classes, recipe.hash, PREPROCESSING, FORMAT)

    @property
    def key(self) -> str:
        """The sha256 of all fields, 64 hexadecimal digits: the name of a cached file."""
        return hashlib.sha256(canonical(dataclasses.asdict(self))).hexdigest()


def content_fingerprint(dataset: Dataset) -> str:
    """A fingerprint of what a dataset contains, whatever the order of its rows; 64 hex digits.

    The sum modulo 2^256 of the sha256 of (split, image shape, label, image), over all images of
    both splits. MNIST circulates with its training rows in different orders; they are one dataset
    to a classifier, and one weight file serves them all. ``Dataset.fingerprint`` tells them apart.
    Guards against mix-ups, not against someone who constructs a collision.
    """
    total = 0
    splits = (("train", dataset.x_train, dataset.y_train), ("test", dataset.x_test, dataset.y_test))
    for split, images, labels in splits:
        for image, label in zip(images, labels.tolist(), strict=True):
            digest = hashlib.sha256(f"{split} {image.shape} {label}\n".encode())
            digest.update(np.ascontiguousarray(image).data)
            total += int.from_bytes(digest.digest(), "big")
    return f"{total % 2**256:064x}"


@dataclass(frozen=True)
class WeightsRecord:
    """What a weight file says about itself. accuracy: on the test split, in [0, 1]."""

    identity: Identity
    dataset_name: str
    accuracy: float
    num_train: int
    num_test: int
    recipe: dict[str, Any]
    made_with: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """All fields, nested, ready for JSON."""
        return dataclasses.asdict(self)


def record_of(dataset: Dataset, recipe: Recipe, accuracy: float) -> WeightsRecord:
    """The record of a classifier that was trained now."""
    made_with = {module.__name__: module.__version__ for module in (tf, keras, np)}
    return WeightsRecord(
        identity=Identity.of(dataset, recipe),
        dataset_name=dataset.name,
        accuracy=accuracy,
        num_train=len(dataset.x_train),
        num_test=len(dataset.x_test),
        recipe=recipe.to_dict(),
        made_with=made_with,
    )


def write_weights(path: Path, network: keras.Model, record: WeightsRecord) -> None:
    """Write ``path`` whole or not at all; the same weights and record give the same bytes."""
    arrays = {weight.path: np.asarray(weight) for weight in network.weights}
    write_record_file(path, arrays, record.to_dict())


def read_weights(
    path: Path, identity: Identity, recipe: Recipe
) -> tuple[keras.Model, WeightsRecord]:
    """The network and record in ``path``, made from ``identity`` by ``recipe``.

    Raises FileNotFoundError if there is no file, RecordError if it is anything but whole,
    unaltered and of this identity.
    """
    arrays, described = read_record_file(path)
    _check_identity(described["identity"], identity)
    network = build_network(recipe, identity.image_shape, identity.num_classes)
    if arrays.keys() != {weight.path for weight in network.weights}:
        raise RecordError("it holds other weights than the network has")
    for weight in network.weights:
        if arrays[weight.path].shape != tuple(weight.shape):
            raise RecordError(f"{weight.path} has shape {arrays[weight.path].shape}")
        weight.assign(arrays[weight.path])
    return network, WeightsRecord(**{**described, "identity": identity})


def _check_identity(found: Mapping[str, Any], expected: Identity) -> None:
    wanted = json.loads(canonical(dataclasses.asdict(expected)))
    different = [name for name in wanted if found.get(name) != wanted[name]]
    if different:
        raise RecordError(f"it was made from another {', '.join(different)}")
