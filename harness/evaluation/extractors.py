"""Features for the scores: the reference classifier's own, plain pixels, or another network's.

Class probabilities always come from the reference classifier: only the features change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.spec.extractor_spec import ExtractorSpec
from harness.data.dataset import Dataset
from harness.evaluation.classifier.reference import Classifier, ClassifierInfo, Extractor
from harness.evaluation.classifier.stacked_images import load_classifier
from harness.evaluation.metrics import Sample


class PixelExtractor:
    """The pixels themselves. No network's taste, but no notion of content, either."""

    name = "pixels"

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        """For images of (H, W, C)."""
        self.feature_dim = int(np.prod(image_shape))

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The pixels of each image in one row, (N, H W C), in [0, 1]."""
        return images.reshape(len(images), -1) / 255.0

    def to_dict(self) -> dict[str, Any]:
        """Name, length and preprocessing; no weights."""
        return {
            "name": self.name,
            "feature_dim": self.feature_dim,
            "sha256": None,
            "preprocessing": "uint8 NHWC flattened, divided by 255",
        }


@dataclass(frozen=True, eq=False)
class ExtractingClassifier:
    """A reference classifier whose samples carry the features of another extractor."""

    classifier: Classifier
    features: Extractor

    @cached_property
    def info(self) -> ClassifierInfo:
        """The reference classifier's, with the record of the other extractor."""
        return replace(self.classifier.info, extractor=self.features.to_dict())

    def sample(self, images: NDArray[np.uint8]) -> Sample:
        """What the metrics see of uint8 ``images`` (N, H, W, C), N > 1, in their order."""
        classified = self.classifier.sample(images)
        return Sample(images, self.features.features(images), classified.probabilities)


def load_embedding(
    spec: ExtractorSpec, dataset: Dataset, cache_dir: Path, on_progress: Callable[[str], None]
) -> Classifier:
    """What converts images of ``dataset`` into samples as ``spec`` says: classes and features.

    Raises InputError for weights that are absent or of another network, and for a ``cache_dir``
    that cannot be written.
    """
    spec.weights_sha256()  # absent weights are said before a classifier is trained
    classifier = load_classifier(dataset, cache_dir, on_progress)
    if spec.name == "pixels":
        return ExtractingClassifier(classifier, PixelExtractor(dataset.image_shape))
    if spec.path is None:
        return classifier
    from harness.evaluation.feature_cache import CachedExtractor
    from harness.evaluation.inception import InceptionExtractor

    inception = InceptionExtractor(spec.path, dataset.image_shape)
    cached = CachedExtractor(inception, dataset, cache_dir / "features", on_progress)
    return ExtractingClassifier(classifier, cached)
