"""What generated images are worth: with stand-ins whose worth is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from harness.core import schema
from harness.core.spec import claims
from harness.data.dataset import Dataset
from harness.evaluation import training_value as worth
from harness.evaluation.classifier.network import Recipe
from harness.evaluation.students import Labelled
from tests.support.classifiers import bars

MANY = bars(num_train=96, num_test=60)
ENOUGH = 10**6


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers that learn in a second."""
    monkeypatch.setattr(worth, "STUDENT", Recipe(channels=(4, 8), feature_dim=16, batch_size=16))
    monkeypatch.setattr(worth, "MIN_IMAGES", 16 * 60)
    monkeypatch.setattr(worth, "MIN_GENERATED", 190)
    monkeypatch.setattr(worth, "NUM_STUDENTS", 2)


def unchanged(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    return images


def more_bars(count: int) -> Labelled:
    """The images of a perfect generator: new, with the right labels."""
    made = bars(num_train=count, seed=1)
    return Labelled(made.x_train, made.y_train)


def value(
    data: Dataset, generated: Labelled, seed: int = 0, images: int = ENOUGH
) -> dict[str, float]:
    return worth.training_value(data, generated, unchanged, seed, images)


@pytest.mark.slow
def test_a_perfect_generator_teaches_like_the_real_images():
    scores = value(MANY, more_bars(192))
    assert tuple(scores) == schema.TRAINING_VALUE_SCORES
    # noisy bars that a person tells apart at once; guessing gives a third
    assert scores["classification_accuracy_score"] > 0.9
    assert scores["real_accuracy"] > 0.9
    gain = scores["generated_accuracy"] - scores["classic_accuracy"]
    assert scores["augmentation_gain"] == gain


@pytest.mark.slow
def test_new_images_are_a_gain_where_real_ones_are_few():
    few = replace(MANY, x_train=MANY.x_train[:3], y_train=MANY.y_train[:3])
    generated = more_bars(192)
    scores = value(few, generated)
    assert worth.num_generated(few) == 192  # the multiple of 3 from 190 on
    assert scores["augmentation_gain"] > 0.05
    assert scores["classification_accuracy_score"] > scores["real_accuracy"]


@pytest.mark.slow
def test_wrong_labels_are_a_loss():
    generated = more_bars(192)
    scores = value(MANY, Labelled(generated.images, (generated.labels + 1) % 3))
    assert scores["classification_accuracy_score"] < 0.1
    assert scores["augmentation_gain"] < -0.1


@pytest.mark.slow
def test_a_generator_of_one_class_is_right_as_often_as_that_class_comes():
    generated = Labelled(more_bars(192).images, np.full(192, 1))
    expected = float(np.mean(MANY.y_test == 1))
    assert value(MANY, generated)["classification_accuracy_score"] == expected


@pytest.mark.slow
def test_only_what_was_generated_makes_a_difference():
    """The same seed: the same real side. Another seed: other classifiers."""
    first, other = value(MANY, more_bars(192), images=160), value(MANY, more_bars(192), images=160)
    assert first == other
    black = Labelled(np.zeros((192, 28, 28, 1), np.uint8), more_bars(192).labels)
    spoilt = value(MANY, black, images=160)
    for name in ("real_accuracy", "classic_accuracy"):
        assert spoilt[name] == first[name]
    assert spoilt["classification_accuracy_score"] != first["classification_accuracy_score"]
    assert value(MANY, more_bars(192), seed=1, images=160) != first


def test_who_is_taught_what(monkeypatch: pytest.MonkeyPatch):
    """Lessons by size: 96 real images, 192 generated ones, 384 of half and half."""
    seeds: dict[tuple[int, bool], list[int]] = {}

    class Marked:
        def __init__(self, *arguments: object) -> None:
            pass

        def accuracy(
            self, lesson: Labelled, exam: Labelled, seed: int, *, augmented: bool
        ) -> float:
            assert exam.images is MANY.x_test
            if len(lesson) == 384:
                np.testing.assert_array_equal(lesson.images[96:192], MANY.x_train)
            seeds.setdefault((len(lesson), augmented), []).append(seed)
            marks = {(96, False): 0.5, (96, True): 0.625, (192, False): 0.25, (384, True): 0.75}
            return marks[len(lesson), augmented]

    monkeypatch.setattr(worth, "Students", Marked)
    assert value(MANY, more_bars(192)) == {
        "real_accuracy": 0.5,
        "classic_accuracy": 0.625,
        "classification_accuracy_score": 0.25,
        "generated_accuracy": 0.75,
        "augmentation_gain": 0.125,
    }
    assert len(seeds) == 4
    first = seeds[96, False]
    assert all(each == first for each in seeds.values())
    assert len(set(first)) == worth.NUM_STUDENTS


@pytest.mark.slow
def test_no_classifier_sees_more_images_than_it_may(monkeypatch: pytest.MonkeyPatch):
    seen = []

    class Watched(worth.Students):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)
            seen.append(self.num_images)

    monkeypatch.setattr(worth, "Students", Watched)
    value(MANY, more_bars(192), images=32)
    assert seen == [32]


def test_another_number_of_images_is_refused():
    with pytest.raises(ValueError, match="takes 192 images, got 96"):
        value(MANY, more_bars(96))


def test_every_score_has_a_record_that_agrees_with_the_claims():
    records = worth.records()
    assert tuple(records) == schema.TRAINING_VALUE_SCORES
    for name in ("classification_accuracy_score", "augmentation_gain"):
        assert records[name]["direction"] == claims.direction_of(name)
    assert {record["low"] for record in records.values()} == {0.0, -1.0}
    assert all(record["source"] and record["unit"] for record in records.values())
    json.dumps([records, worth.setting(MANY)], allow_nan=False)
