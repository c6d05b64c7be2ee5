"""Scores of generated images: every registered metric, against real images of the test split."""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core import schema
from harness.core.errors import HarnessError
from harness.core.registry import METRICS
from harness.data.dataset import Dataset
from harness.evaluation import collapse, training_value
from harness.evaluation.blas_threads import blas_threads
from harness.evaluation.classifier.reference import Classifier
from harness.evaluation.metrics import Metric, NoScoreError, Sample
from harness.evaluation.metrics._nearest_training import NearestTraining, nearest_training
from harness.evaluation.uncertainty import (
    enough_for_fid_interval,
    fid_interval,
    fid_interval_words,
    fid_null_level,
    kid_half_width,
)

MAX_REAL_SAMPLES = 10_000

_NOTE = (
    "fid is the Fréchet distance in {}, not the Inception FID of papers; "
    "its values compare at equal sample counts and in the same features only"
)
_FEATURES = {
    "reference": "the reference classifier's features",
    "pixels": "plain pixels",
    "inception": "the features of Keras's InceptionV3",
}
"""Extractor -> how the note calls its features."""


class Evaluator:
    """Scores samples of generators against one sample of real images, made once.

    ``real`` is the dataset's test split (at most ``MAX_REAL_SAMPLES`` of it, drawn by ``seed``):
    neither the GAN nor the classifier has seen it, so a generator that repeats its training images
    has no advantage.
    """

    real: Sample
    absent: dict[str, str]
    """Metric name -> why it is not computed for this dataset."""

    def __init__(
        self,
        dataset: Dataset,
        classifier: Classifier,
        num_samples: int,
        metric_names: Sequence[str] | None = None,
        seed: int = 0,
        alarm: bool = True,
        labelled: bool = False,
    ) -> None:
        """Score ``num_samples`` images at a time by ``metric_names``; None means all registered.

        Those that need classes are left out where the dataset has a ``class_fault``.
        ``alarm`` False leaves out what the collapse alarm says. ``labelled``: whether some
        generators make images of a class asked for, so that ``describe`` explains what those are
        worth.
        """
        self.dataset = dataset
        self.classifier = classifier
        self._num_samples = num_samples
        self.seed = seed
        names = METRICS.names() if metric_names is None else metric_names
        wanted: dict[str, Metric] = {name: METRICS.get(name) for name in names}
        absent = {n for n, metric in wanted.items() if metric.needs_classes and dataset.class_fault}
        self.absent = dict.fromkeys(sorted(absent), dataset.class_fault)
        self.metrics = {name: metric for name, metric in wanted.items() if name not in absent}
        self.real = classifier.sample(self._real_images())
        if any(metric.needs_training for metric in self.metrics.values()):
            self.real = replace(self.real, training=classifier.sample(dataset.x_train))
        self.labelled = labelled
        self.alarmed = alarm and set(collapse.SCORES) <= set(self.metrics)

    @property
    def num_samples(self) -> int:
        """Number of generated images that are scored at a time."""
        return self._num_samples

    def with_num_samples(self, num_samples: int) -> Evaluator:
        """An evaluator of ``num_samples`` images at a time that shares this one's real side."""
        other = copy.copy(self)
        other._num_samples = num_samples
        for name in ("perfect", "scale"):  # values at the other number of images
            vars(other).pop(name, None)
        return other

    @cached_property
    def real_scores(self) -> dict[str, float]:
        """The real sample's own values, against itself, of the scores that the alarm reads."""
        with self._threads():
            return {
                name: self.metrics[name](self.real, self.real, self._rng(name))
                for name in collapse.SCORES
            }

    def score(self, images: NDArray[np.uint8]) -> dict[str, float]:
        """Metric name -> value for generated uint8 ``images`` (num_samples, H, W, C).

        Beside ``fid`` stand ``fid_debiased`` and the ends of its 95 % interval, unless there are
        too few images for it (``fid_interval_words``); beside ``kid`` the ends of its own.
        Each metric draws from its own stream of (seed, name), the same at every call: scores do not
        depend on which other metrics run, and two generators are compared under the same draws.
        Where the metrics that the alarm reads are among them, ``collapse_probability`` and
        ``poor_probability`` are added.
        Raises ValueError for another number of images, since scores compare at equal counts only,
        and HarnessError for a value that is not finite.
        """
        if len(images) != self.num_samples:
            raise ValueError(
                f"{self.num_samples:,} images are scored at a time, got {len(images):,}"
            )
        fake = self.classifier.sample(images)
        with self._threads():
            scores = self._scores(self.real, fake, self.metrics)
            scores |= self._intervals(scores, fake)
        if self.alarmed:
            scores |= collapse.alarm(scores, self.real_scores)
        for name, value in scores.items():
            if not math.isfinite(value):
                raise HarnessError(f"{name} is not finite ({value})")
        return scores

    def fid(self, images: NDArray[np.uint8]) -> float:
        """``fid`` alone for generated uint8 ``images`` (N, H, W, C), as ``score`` computes it."""
        fake = self.classifier.sample(images)
        with self._threads():
            return float(METRICS.get("fid")(self.real, fake, self._rng("fid")))

    @cached_property
    def perfect(self) -> dict[str, float]:
        """Metric name -> value for real images in place of generated ones: what perfect looks like.

        They are ``num_perfect`` images of the training split, drawn by the seed: other images than
        the real side's, but not new to the classifier, which was trained on them. A metric that
        looks for copies of training images takes at most half of the split and searches the rest.
        """
        order = self._rng("perfect images").permutation(len(self.dataset.x_train))
        fake = self.classifier.sample(self.dataset.x_train[order[: self.num_perfect]])
        values: dict[str, float] = {}
        for name, score in list(self.metrics.items()):
            real, images = self.real, fake
            if score.needs_training and real.training is not None:
                half = min(self.num_perfect, len(order) // 2)
                images = real.training.rows(order[:half])
                real = replace(real, training=real.training.rows(order[half:]))
            with self._threads():
                values |= self._scores(real, images, {name: score})
        return values

    @property
    def num_perfect(self) -> int:
        """Number of images behind ``perfect``: num_samples, or all there are to train on."""
        return min(self.num_samples, len(self.dataset.x_train))

    @cached_property
    def scale(self) -> dict[str, dict[str, float | None]]:
        """Metric name -> ``perfect`` and ``null_level``: the scale on which a score is read.

        The null level is what a generator without error reads on average at ``num_samples`` images,
        by formula; None where there is no formula.
        """
        with self._threads():
            nulls = {"fid": fid_null_level(self.real, self.num_samples)}
        return {
            name: {"perfect": perfect, "null_level": nulls.get(name)}
            for name, perfect in self.perfect.items()
        }

    def nearest_training(self, images: NDArray[np.uint8]) -> NearestTraining | None:
        """The training image nearest to each of uint8 ``images`` (N, H, W, C), N > 1.

        None where no metric compares with the training images, so that none are at hand.
        """
        if self.real.training is None:
            return None
        with self._threads():
            return nearest_training(self.real, self.classifier.sample(images))

    def describe(self) -> dict[str, Any]:
        """What is scored with what, ready for JSON: dataset, classifier, sample sizes, metrics."""
        dataset, classifier = self.dataset, self.classifier.info
        scale = self.scale  # by which scores that do not exist are known to be absent
        return {
            "dataset": {
                "name": dataset.name,
                "source": dataset.source,
                "fingerprint": dataset.fingerprint,
                "num_classes": dataset.num_classes,
                "image_shape": list(dataset.image_shape),
                "num_train": len(dataset.x_train),
                "num_test": len(dataset.x_test),
                "class_fault": dataset.class_fault,
            },
            "absent": self.absent,
            "classifier": classifier.to_dict(),
            "extractor": dict(classifier.extractor),
            "num_real_samples": len(self.real),
            "real_samples_from": "test split",
            "num_fake_samples": self.num_samples,
            "num_perfect_samples": self.num_perfect,
            "perfect_samples_from": "training split, which the classifier has seen",
            "seed": self.seed,
            "note": _NOTE.format(_FEATURES[classifier.extractor["name"]]),
            schema.FID_INTERVAL: fid_interval_words(*self._sizes),
            "metrics": {name: {**_record(METRICS.get(name)), **own} for name, own in scale.items()}
            | (collapse.records() if self.alarmed else {})
            | (training_value.records() if self.labelled else {}),
        } | ({"training value": training_value.setting(dataset)} if self.labelled else {})

    def _scores(
        self, real: Sample, fake: Sample, metrics: Mapping[str, Metric]
    ) -> dict[str, float]:
        """Metric -> value; a score that does not exist for these images joins ``absent``."""
        found = {}
        for name, score in list(metrics.items()):
            try:
                found[name] = score(real, fake, self._rng(name))
            except NoScoreError as reason:
                self.absent[name] = str(reason)
                self.metrics.pop(name, None)
        return found

    def _intervals(self, scores: dict[str, float], fake: Sample) -> dict[str, float]:
        """The ends of the 95 % intervals of ``scores``, and the debiased distance."""
        found: dict[str, float] = {}
        if "fid" in scores and enough_for_fid_interval(*self._sizes):
            low, high = schema.SCORE_INTERVALS[schema.FID_DEBIASED]
            interval = fid_interval(self.real, fake, self._rng("fid interval"))
            found |= {low: interval.low, high: interval.high}
            found[schema.FID_DEBIASED] = interval.value
        if "kid" in scores:
            low, high = schema.SCORE_INTERVALS["kid"]
            half = kid_half_width(self.real, fake, self._rng("kid interval"))
            found |= {low: scores["kid"] - half, high: scores["kid"] + half}
        return found

    @property
    def _sizes(self) -> tuple[int, int, int]:
        """Number of real images, of generated images, and of features."""
        return len(self.real), self.num_samples, self.real.features.shape[1]

    def _threads(self) -> AbstractContextManager[object]:
        return blas_threads(self.real.features.shape[1])

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
        "target": metric.target,
        "unit": metric.unit,
        "summary": summary,
        "source": metric.source,
    }
