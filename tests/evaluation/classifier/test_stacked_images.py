"""The classifier of stacked images: the channels' classes, features and probabilities, combined."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from harness.data import stacked_mnist
from harness.data.dataset import Dataset
from harness.data.digits import load_digits
from harness.data.load import load_dataset
from harness.evaluation.classifier.load import SHIPPED, load_reference
from harness.evaluation.classifier.reference import ReferenceClassifier
from harness.evaluation.classifier.stacked_images import StackedClassifier, load_classifier
from harness.evaluation.evaluator import Evaluator
from harness.evaluation.extractors import ExtractingClassifier, PixelExtractor
from harness.evaluation.metrics import Sample
from tests.support.classifiers import TINY, bars


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> ReferenceClassifier:
    return load_reference(bars(), tmp_path_factory.mktemp("cache"), recipe=TINY)


@pytest.fixture(scope="module")
def stacked_digits() -> Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacked_mnist, "TRAIN_PER_MODE", 1)
        patch.setattr(stacked_mnist, "TEST_PER_MODE", 1)
        return stacked_mnist.stack_digits(load_digits())


def test_features_stand_side_by_side_and_probabilities_multiply(channel: ReferenceClassifier):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 3), dtype=np.uint8)
    sample = StackedClassifier(bars(channels=3), channel).sample(images)
    first, second, third = (channel.sample(images[..., [c]]) for c in range(3))
    np.testing.assert_array_equal(
        sample.features, np.hstack([first.features, second.features, third.features])
    )
    p, q, r = first.probabilities, second.probabilities, third.probabilities
    for a, b, c in np.ndindex(3, 3, 3):
        np.testing.assert_allclose(
            sample.probabilities[:, 9 * a + 3 * b + c], p[:, a] * q[:, b] * r[:, c], rtol=1e-14
        )
    np.testing.assert_array_equal(
        sample.labels, 9 * first.labels + 3 * second.labels + third.labels
    )


def test_its_accuracy_is_counted_in_whole_images(channel: ReferenceClassifier):
    data = bars(channels=3)
    y_test = StackedClassifier(data, channel).sample(data.x_test).labels.copy()
    y_test[:6] += 1
    data = dataclasses.replace(data, y_test=y_test)
    assert StackedClassifier(data, channel).info.accuracy == 18 / 24


def test_its_accuracy_is_counted_once_and_only_where_it_is_asked_for(
    channel: ReferenceClassifier, monkeypatch: pytest.MonkeyPatch
):
    counted: list[int] = []
    sample = StackedClassifier.sample

    def count(self: StackedClassifier, images: np.ndarray) -> Sample:
        counted.append(len(images))
        return sample(self, images)

    monkeypatch.setattr(StackedClassifier, "sample", count)
    data = bars(channels=3)
    classifier = StackedClassifier(data, channel)
    pixels = ExtractingClassifier(classifier, PixelExtractor(data.image_shape))
    Evaluator(data, classifier, 24, ["fid"])
    assert counted == [24]  # the real side of the evaluator
    assert pixels.info.accuracy == classifier.info.accuracy == pixels.info.accuracy
    assert counted == [24, 24]


@pytest.mark.slow
def test_it_needs_no_training_and_is_right_where_all_digits_are(stacked_digits: Dataset, tmp_path):
    said: list[str] = []
    classifier = load_classifier(stacked_digits, tmp_path, said.append)
    assert said == []
    assert not list(tmp_path.iterdir())
    assert classifier.info.sha256 == SHIPPED["digits"].sha256
    assert (classifier.info.num_classes, classifier.info.feature_dim) == (1000, 192)
    digits = load_reference(load_digits(), tmp_path)
    a, b, c = (digits.sample(stacked_digits.x_test[..., [c]]).labels for c in range(3))
    labels = classifier.sample(stacked_digits.x_test).labels
    np.testing.assert_array_equal(labels, 100 * a + 10 * b + c)
    assert classifier.info.accuracy == np.mean(labels == stacked_digits.y_test)
    assert classifier.info.accuracy > 0.99  # the shipped classifier knows the digits' test images


def test_it_says_what_it_is_made_of(stacked_digits: Dataset, tmp_path: Path):
    record = load_classifier(stacked_digits, tmp_path).info.to_dict()
    assert json.loads(json.dumps(record)) == record
    assert record["name"] == "stacked_digits-cnn"
    assert record["made_of"] == "digits-cnn on each of 3 channels"
    assert record["num_classes"] == 1000
    digits = load_reference(load_digits(), tmp_path)
    assert record["accuracy_per_channel"] == digits.info.accuracy


def test_a_dataset_of_whole_images_keeps_its_own_classifier(tmp_path: Path):
    assert load_classifier(load_digits(), tmp_path).info.name == "digits-cnn"


def test_real_triples_hit_all_modes_and_one_repeated_hits_one(
    stacked_digits: Dataset, tmp_path: Path
):
    names = ["modes_hit", "modes_captured", "mode_kl"]
    classifier = load_classifier(stacked_digits, tmp_path)
    evaluator = Evaluator(stacked_digits, classifier, 1000, names)
    real = evaluator.score(stacked_digits.x_test)
    assert real["modes_hit"] == real["modes_captured"] == np.unique(evaluator.real.labels).size
    repeated = evaluator.score(np.repeat(stacked_digits.x_test[:1], 1000, axis=0))
    assert repeated["modes_hit"] == repeated["modes_captured"] == 1
    # The classifier's mistakes leave some modes without a real image; each counts as half a one.
    shares = evaluator.real.class_shares
    total = 1 + np.count_nonzero(shares == 0) / 2000
    assert real["mode_kl"] == pytest.approx(np.log(total), abs=1e-12)
    share = shares[evaluator.real.labels[0]] / total  # near 1 / 1000: the divergence near 6.908
    assert repeated["mode_kl"] == pytest.approx(-np.log(share), rel=1e-12)


@pytest.mark.mnist
@pytest.mark.slow
def test_mnist_triples_are_told_apart_by_the_shipped_classifier(mnist_dir: Path, tmp_path: Path):
    classifier = load_classifier(load_dataset("stacked_mnist", mnist_dir), tmp_path)
    assert classifier.info.sha256 == SHIPPED["mnist"].sha256
    # 99.4 % of digits are right, so 0.994^3 = 98.2 % of triples; 10,000 of them +- 0.13 %.
    assert classifier.info.accuracy == pytest.approx(0.982, abs=0.005)
