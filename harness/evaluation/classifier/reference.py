"""The reference classifier: images in, features and class probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from harness.evaluation.classifier.network import BatchedNetwork
from harness.evaluation.classifier.weights_file import WeightsRecord
from harness.evaluation.metrics import Sample


@dataclass(frozen=True)
class ClassifierInfo:
    """What a reader of the scores must know about a classifier.

    name: the dataset and what classifies it, as in ``mnist-cnn``. sha256: of the weight file, 64
    hexadecimal digits. accuracy: share of the dataset's test images classified correctly, in
    [0, 1]. feature_dim: length of the classifier's own feature vectors. num_classes: number of
    classes k. extractor: where the features of a sample come from: name, feature_dim, sha256 or
    None, preprocessing. made: how the classifier was made, ready for JSON.
    """

    name: str
    sha256: str
    accuracy: float
    feature_dim: int
    num_classes: int
    extractor: Mapping[str, Any]
    made: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the extractor, ready for JSON."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "accuracy": self.accuracy,
            "feature_dim": self.feature_dim,
            "num_classes": self.num_classes,
            **self.made,
        }


class Classifier(Protocol):
    """Converts images into samples for the metrics."""

    @property
    def info(self) -> ClassifierInfo:
        """What a reader of its scores must know; the first access may classify all test images."""

    def sample(self, images: NDArray[np.uint8]) -> Sample:
        """What the metrics see of uint8 ``images`` (N, H, W, C), N > 1, in their order."""


@dataclass(frozen=True, eq=False)
class ReferenceClassifier:
    """A frozen network of two outputs, features and logits, which is not to be changed."""

    network: keras.Model
    info: ClassifierInfo
    _run: BatchedNetwork = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compile the network once."""
        object.__setattr__(self, "_run", BatchedNetwork(self.network))

    @classmethod
    def of(cls, network: keras.Model, record: WeightsRecord, sha256: str) -> ReferenceClassifier:
        """The classifier of ``network``, whose weight file has ``record`` and ``sha256``."""
        identity, feature_dim = record.identity, int(network.output_shape[0][1])
        info = ClassifierInfo(
            name=f"{record.dataset_name}-cnn",
            sha256=sha256,
            accuracy=record.accuracy,
            feature_dim=feature_dim,
            num_classes=identity.num_classes,
            extractor={
                "name": "reference",
                "feature_dim": feature_dim,
                "sha256": sha256,
                "preprocessing": identity.preprocessing,
            },
            made={
                "dataset": record.dataset_name,
                "dataset_content_fingerprint": identity.dataset_fingerprint,
                "num_train": record.num_train,
                "num_test": record.num_test,
                "preprocessing": identity.preprocessing,
                "recipe_hash": identity.recipe_hash,
                "recipe": record.recipe,
                "made_with": record.made_with,
            },
        )
        return cls(network, info)

    def sample(self, images: NDArray[np.uint8]) -> Sample:
        """What the metrics see of uint8 ``images`` (N, H, W, C), N > 1, in their order.

        features: penultimate layer, after its tanh, in [-1, 1]. An image's values do not depend on
        how many others come after it. Raises ValueError for another type or shape.
        """
        features, logits = self._run(images)
        return Sample(images, features.astype(np.float64), softmax(logits.astype(np.float64), 1))


class Extractor(Protocol):
    """Converts images into feature vectors; the same image always into the same one."""

    name: str
    feature_dim: int

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Features (N, feature_dim) of uint8 ``images`` (N, H, W, C), in their order."""

    def to_dict(self) -> dict[str, Any]:
        """Name, feature_dim, sha256 of its weights or None, preprocessing; ready for JSON."""
