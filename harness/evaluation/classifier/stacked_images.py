"""The reference classifier of stacked images: the classifier of one channel, on every channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.classifier.reference import Classifier, ReferenceClassifier
from harness.evaluation.metrics import Sample


@dataclass(frozen=True, eq=False)
class StackedClassifier:
    """Classifies images whose channels are independent digits, without being trained on them.

    So the modes of stacked MNIST are counted in the literature (Metz et al. 2017, section 3.3;
    Lin et al. 2018, section 4.2). ``dataset``: the stacked one. ``channel``: the classifier of the
    dataset that its channels come from.
    """

    dataset: Dataset
    channel: ReferenceClassifier

    @property
    def name(self) -> str:
        """The stacked dataset and what the classifier is, as in ``stacked_mnist-cnn``."""
        return f"{self.dataset.name}-cnn"

    @property
    def sha256(self) -> str:
        """Of the channel classifier's weight file, 64 hexadecimal digits."""
        return self.channel.sha256

    @cached_property
    def accuracy(self) -> float:
        """Share of the stacked test images with all channels classified correctly, in [0, 1]."""
        labels = self.sample(self.dataset.x_test).labels
        return float(np.mean(labels == self.dataset.y_test))

    @property
    def feature_dim(self) -> int:
        """Length of a feature vector: that of a channel times the number of channels."""
        return self.channel.feature_dim * self.dataset.image_shape[2]

    @property
    def num_classes(self) -> int:
        """Number of modes: classes of a channel to the power of the channels."""
        return int(self.channel.num_classes ** self.dataset.image_shape[2])

    @property
    def extractor(self) -> dict[str, Any]:
        """Where the features come from: the channel classifier's, side by side."""
        channels = f"each of {self.dataset.image_shape[2]} channels as an image of its own"
        of_channel = self.channel.extractor
        preprocessing = f"{channels}; {of_channel['preprocessing']}"
        return {**of_channel, "feature_dim": self.feature_dim, "preprocessing": preprocessing}

    def sample(self, images: NDArray[np.uint8]) -> Sample:
        """What the metrics see of uint8 ``images`` (N, H, W, C), N > 1, in their order.

        features: those of the channels side by side, (N, C d). probabilities: the products of the
        channels', (N, k^C), the first channel's class counting most: for digits, class
        100 a + 10 b + c. Raises ValueError for another type or shape.
        """
        channels = [
            self.channel.sample(images[..., channel : channel + 1])
            for channel in range(images.shape[-1])
        ]
        features = np.concatenate([sample.features for sample in channels], axis=1)
        probabilities = reduce(_products, [sample.probabilities for sample in channels])
        return Sample(images, features, probabilities)

    def to_dict(self) -> dict[str, Any]:
        """The channel classifier's record with the stacked name, accuracy and sizes, for JSON."""
        return {
            **self.channel.to_dict(),
            "name": self.name,
            "made_of": f"{self.channel.name} on each of {self.dataset.image_shape[2]} channels",
            "accuracy": self.accuracy,
            "accuracy_per_channel": self.channel.accuracy,
            "feature_dim": self.feature_dim,
            "num_classes": self.num_classes,
        }


def load_classifier(
    dataset: Dataset, cache_dir: Path, on_progress: Callable[[str], None] | None = None
) -> Classifier:
    """The reference classifier of ``dataset``, or that of its channels where it is stacked.

    ``cache_dir``, ``on_progress`` and the errors are those of ``load_reference``.
    """
    if dataset.channels_of is None:
        return load_reference(dataset, cache_dir, on_progress)
    return StackedClassifier(dataset, load_reference(dataset.channels_of, cache_dir, on_progress))


def _products(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product of every entry of a row of ``a`` with every one of ``b``, (N, k) -> (N, k l)."""
    return (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
