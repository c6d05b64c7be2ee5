"""Scores of generated images: every registered metric, against real images of the test split."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import HarnessError
from harness.core.registry import METRICS
from harness.core.schema import COLLAPSE_PROBABILITY
from harness.data.dataset import Dataset
from harness.evaluation import collapse
from harness.evaluation.features import ReferenceClassifier
from harness.evaluation.metrics import Metric, Sample

MAX_REAL_SAMPLES = 10_000

_NOTE = (
    "fid is the Fréchet distance in the reference classifier's features, not the Inception FID; "
    "its values compare at equal sample counts and with the same classifier only"
)


class Evaluator:
    """Scores samples of generators against one sample of real images, made once.

    ``real`` is the dataset's test split (at most ``MAX_REAL_SAMPLES`` of it, drawn by ``seed``):
    neither the GAN nor the classifier has seen it, so a generator that repeats its training images
    has no advantage.
    """

    real: Sample

    def __init__(
        self,
        dataset: Dataset,
        classifier: ReferenceClassifier,
        num_samples: int,
        metric_names: Sequence[str] | None = None,
        seed: int = 0,
        alarm: bool = True,
    ) -> None:
        """Score ``num_samples`` images at a time by ``metric_names``; None means all registered.

        ``alarm`` False leaves out ``collapse_probability``.
        """
        self.dataset = dataset
        self.classifier = classifier
        self.num_samples = num_samples
        self.seed = seed
        names = METRICS.names() if metric_names is None else metric_names
        self.metrics: dict[str, Metric] = {name: METRICS.get(name) for name in names}
        self.real = classifier.sample(self._real_images())
        self.alarmed = alarm and set(collapse.SCORES) <= set(self.metrics)

    @cached_property
    def real_scores(self) -> dict[str, float]:
        """The real sample's own values, against itself, of the scores that the alarm reads."""
        return {
            name: self.metrics[name](self.real, self.real, self._rng(name))
            for name in collapse.SCORES
        }

    def score(self, images: NDArray[np.uint8]) -> dict[str, float]:
        """Metric name -> value for generated uint8 ``images`` (num_samples, H, W, C).

        Each metric draws from its own stream of (seed, name), the same at every call: scores do not
        depend on which other metrics run, and two generators are compared under the same draws.
        Where the metrics that the alarm reads are among them, ``collapse_probability`` is added.
        Raises ValueError for another number of images, since scores compare at equal counts only,
        and HarnessError for a value that is not finite.
        """
        if len(images) != self.num_samples:
            raise ValueError(
                f"{self.num_samples:,} images are scored at a time, got {len(images):,}"
            )
        fake = self.classifier.sample(images)
        scores = {
            name: score(self.real, fake, self._rng(name)) for name, score in self.metrics.items()
        }
        if self.alarmed:
            probability = collapse.collapse_probability(scores, self.real_scores)
            scores[COLLAPSE_PROBABILITY] = probability
        for name, value in scores.items():
            if not math.isfinite(value):
                raise HarnessError(f"{name} is not finite ({value})")
        return scores

    def describe(self) -> dict[str, Any]:
        """What is scored with what, ready for JSON: dataset, classifier, sample sizes, metrics."""
        dataset = self.dataset
        return {
            "dataset": {
                "name": dataset.name,
                "source": dataset.source,
                "fingerprint": dataset.fingerprint,
                "num_classes": dataset.num_classes,
                "image_shape": list(dataset.image_shape),
                "num_train": len(dataset.x_train),
                "num_test": len(dataset.x_test),
            },
            "classifier": self.classifier.to_dict(),
            "num_real_samples": len(self.real),
            "real_samples_from": "test split",
            "num_fake_samples": self.num_samples,
            "seed": self.seed,
            "note": _NOTE,
            "metrics": {name: _record(metric) for name, metric in self.metrics.items()}
            | ({COLLAPSE_PROBABILITY: collapse.record()} if self.alarmed else {}),
        }

    def _real_images(self) -> NDArray[np.uint8]:
        images = self.dataset.x_test
        if len(images) <= MAX_REAL_SAMPLES:
            return images
        rows = self._rng("real images").choice(len(images), MAX_REAL_SAMPLES, replace=False)
        return images[np.sort(rows)]

    def _rng(self, stream: str) -> np.random.Generator:
        """A generator of its own for ``stream``; independent of Python's randomised hash()."""
        return np.random.default_rng([self.seed, zlib.crc32(stream.encode())])


def _record(metric: Metric) -> dict[str, Any]:
    summary = (metric.function.__doc__ or "").strip().split("\n")[0]
    return {
        "direction": metric.direction,
        "low": metric.low,
        "high": metric.high,
        "unit": metric.unit,
        "summary": summary,
        "source": metric.source,
    }
