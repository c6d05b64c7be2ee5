"""The reference classifier: images in, features and class probabilities out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from harness.evaluation.classifier.network import BatchedNetwork
from harness.evaluation.classifier.weights_file import WeightsRecord
from harness.evaluation.metrics import Sample


class Classifier(Protocol):
    """What turns images into samples for the metrics, and says what it is."""

    @property
    def name(self) -> str:
        """What a reader calls it, as in ``mnist-cnn``."""

    @property
    def sha256(self) -> str:
        """Of its weight file, 64 hexadecimal digits."""

    @property
    def accuracy(self) -> float:
        """Share of the dataset's test images that it classifies correctly, in [0, 1]."""

    @property
    def feature_dim(self) -> int:
        """Length d of a feature vector."""

    @property
    def num_classes(self) -> int:
        """Number of classes k."""

    @property
    def extractor(self) -> dict[str, Any]:
        """Where the features come from: name, feature_dim, sha256 or None, preprocessing."""

    def sample(self, images: NDArray[np.uint8]) -> Sample:
        """What the metrics see of uint8 ``images`` (N, H, W, C), N > 1, in their order."""

    def to_dict(self) -> dict[str, Any]:
        """What a reader of the scores must know about it, ready for JSON."""


@dataclass(frozen=True, eq=False)
class ReferenceClassifier:
    """A frozen classifier with what a reader of its scores must know about it.

    sha256: of its weight file, 64 hexadecimal digits. The network itself is not to be changed.
    """

    network: keras.Model
    record: WeightsRecord
    sha256: str
    _run: BatchedNetwork = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compile the network once."""
        object.__setattr__(self, "_run", BatchedNetwork(self.network))

    @property
    def name(self) -> str:
        """The dataset that it was trained on and what it is, as in ``mnist-cnn``."""
        return f"{self.record.dataset_name}-cnn"

    @property
    def accuracy(self) -> float:
        """Share of the dataset's test images that it classifies correctly, in [0, 1]."""
        return self.record.accuracy

    @property
    def feature_dim(self) -> int:
        """Length d of a feature vector."""
        return int(self.network.output_shape[0][1])

    @property
    def num_classes(self) -> int:
        """Number of classes k."""
        return self.record.identity.num_classes

    @property
    def extractor(self) -> dict[str, Any]:
        """Where the features come from: the penultimate layer of this classifier."""
        return {
            "name": "reference",
            "feature_dim": self.feature_dim,
            "sha256": self.sha256,
            "preprocessing": self.record.identity.preprocessing,
        }

    @property
    def dataset_fingerprint(self) -> str:
        """``content_fingerprint`` of the dataset that it was trained on."""
        return self.record.identity.dataset_fingerprint

    def sample(self, images: NDArray[np.uint8]) -> Sample:
        """What the metrics see of uint8 ``images`` (N, H, W, C), N > 1, in their order.

        features: penultimate layer, after its tanh, in [-1, 1]. An image's values do not depend on
        how many others come after it. Raises ValueError for another type or shape.
        """
        features, logits = self._run(images)
        return Sample(images, features.astype(np.float64), softmax(logits.astype(np.float64), 1))

    def to_dict(self) -> dict[str, Any]:
        """Name, sha256, accuracy and how it was made, ready for JSON."""
        record = self.record
        return {
            "name": self.name,
            "sha256": self.sha256,
            "accuracy": self.accuracy,
            "feature_dim": self.feature_dim,
            "num_classes": self.num_classes,
            "dataset": record.dataset_name,
            "dataset_content_fingerprint": self.dataset_fingerprint,
            "num_train": record.num_train,
            "num_test": record.num_test,
            "preprocessing": record.identity.preprocessing,
            "recipe_hash": record.identity.recipe_hash,
            "recipe": record.recipe,
            "made_with": record.made_with,
        }


class Extractor(Protocol):
    """Turns images into feature vectors; the same image always into the same one."""

    name: str
    feature_dim: int

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Features (N, feature_dim) of uint8 ``images`` (N, H, W, C), in their order."""

    def to_dict(self) -> dict[str, Any]:
        """Name, feature_dim, sha256 of its weights or None, preprocessing; ready for JSON."""
