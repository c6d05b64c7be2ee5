"""The reference classifier of stacked images: the classifier of one channel, on every channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.data.dataset import Dataset
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.classifier.reference import (
    Classifier,
    ClassifierInfo,
    ReferenceClassifier,
)
from harness.evaluation.classifier.rotations import load_rotation_classifier
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

    @cached_property
    def info(self) -> ClassifierInfo:
        """The channel classifier's, with the name, accuracy and sizes of stacked images.

        accuracy: share of the stacked test images with all channels classified correctly, measured
        at the first access. num_classes: classes of a channel to the power of the channels.
        """
        channel, num_channels = self.channel.info, self.dataset.image_shape[2]
        feature_dim = channel.feature_dim * num_channels
        each = f"each of {num_channels} channels"
        of_channel = f"{each} as an image of its own; {channel.extractor['preprocessing']}"
        extractor = {"feature_dim": feature_dim, "preprocessing": of_channel}
        labels = self.sample(self.dataset.x_test).labels
        return ClassifierInfo(
            name=f"{self.dataset.name}-cnn",
            sha256=channel.sha256,
            accuracy=float(np.mean(labels == self.dataset.y_test)),
            feature_dim=feature_dim,
            num_classes=int(channel.num_classes**num_channels),
            extractor={**channel.extractor, **extractor},
            made={
                **channel.made,
                "made_of": f"{channel.name} on {each}",
                "accuracy_per_channel": channel.accuracy,
            },
        )

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


def load_classifier(
    dataset: Dataset, cache_dir: Path, on_progress: Callable[[str], None] | None = None
) -> Classifier:
    """The reference classifier of ``dataset``, or that of its channels where it is stacked.

    A dataset whose classes are unusable gets the classifier of its images' rotations.
    ``cache_dir``, ``on_progress`` and the errors are those of ``load_reference``.
    """
    if dataset.channels_of is None:
        load = load_rotation_classifier if dataset.class_fault else load_reference
        return load(dataset, cache_dir, on_progress)
    return StackedClassifier(dataset, load_reference(dataset.channels_of, cache_dir, on_progress))


def _products(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product of every entry of a row of ``a`` with every one of ``b``, (N, k) -> (N, k l)."""
    return (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
