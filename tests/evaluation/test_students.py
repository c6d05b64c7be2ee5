"""Classifiers that are trained alike: what they learn, and that nothing else differs."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from harness.core.errors import HarnessError
from harness.evaluation.classifier.network import Recipe
from harness.evaluation.students import Labelled, Students
from tests.support.classifiers import bars

RECIPE = Recipe(channels=(4, 8), feature_dim=16, batch_size=16)
DATA = bars(num_train=96, num_test=60)
REAL = Labelled(DATA.x_train, DATA.y_train)
EXAM = Labelled(DATA.x_test, DATA.y_test)
LEARNED = 0.9  # of bars that a person tells apart at once; guessing gives a third


def unchanged(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    return images


def blackened(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Black images where the draws are not all 0."""
    return images * tf.cast(tf.reduce_all(draws == 0.0), tf.float32)


def students(augment=unchanged, num_images: int = 16 * 110) -> Students:
    return Students(RECIPE, DATA.image_shape, DATA.num_classes, num_images, augment)


@pytest.fixture(scope="module")
def plain() -> Students:
    return students()


def test_they_learn_what_they_are_taught(plain: Students):
    assert plain.accuracy(REAL, EXAM, 0, augmented=False) > LEARNED
    wrong = Labelled(REAL.images, (REAL.labels + 1) % 3)
    assert plain.accuracy(wrong, EXAM, 0, augmented=False) < 1 - LEARNED


def test_who_was_taught_one_class_names_it_always(plain: Students):
    one = Labelled(REAL.images[:4], np.full(4, 2))
    share = float(np.mean(EXAM.labels == 2))
    assert plain.accuracy(one, EXAM, 0, augmented=False) == share


@pytest.mark.slow
def test_a_student_does_not_know_what_came_before():
    """Weights, normalization, optimizer and random state begin anew, for any lesson."""
    few = students(num_images=16 * 6)  # not yet sure, so that every difference shows
    lesson = Labelled(REAL.images[:40], REAL.labels[:40])
    first = [few.accuracy(lesson, EXAM, seed, augmented=True) for seed in range(4)]
    assert len(set(first)) > 1  # the seed counts
    again = [few.accuracy(lesson, EXAM, seed, augmented=True) for seed in (3, 2, 1, 0)]
    assert again[::-1] == first
    assert students(num_images=16 * 6).accuracy(lesson, EXAM, 2, augmented=True) == first[2]


@pytest.mark.slow
def test_images_are_augmented_where_asked_for():
    some = students(blackened, num_images=16 * 60)
    assert some.accuracy(REAL, EXAM, 0, augmented=False) > LEARNED
    assert some.accuracy(REAL, EXAM, 0, augmented=True) < 0.7  # black images teach nothing


@pytest.mark.slow
def test_draws_fill_their_range():
    """Mean 0, variance 1/3; of 16 * 110 * 4 = 7,040 uniform draws in [-1, 1)."""
    seen: list[np.ndarray] = []

    def watched(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        tf.numpy_function(lambda values: seen.append(values), [draws], [])
        return images

    students(watched).accuracy(REAL, EXAM, 0, augmented=True)
    draws = np.stack(seen)
    assert draws.shape == (110, 4, 16)
    assert -1 <= draws.min() < -0.99
    assert 0.99 < draws.max() < 1
    # five standard errors: sqrt(1/3 / 7,040) = 0.007, and sqrt(4/45 / 7,040) = 0.0036
    assert abs(draws.mean()) < 0.035
    assert abs((draws**2).mean() - 1 / 3) < 0.018


def test_whole_batches_are_seen():
    assert students(num_images=100).num_images == 96
    assert students(num_images=3).num_images == 16


def test_a_loss_that_is_not_finite_is_named():
    some = students(lambda images, draws: images * np.nan, num_images=16)
    with pytest.raises(HarnessError, match="loss of a classifier of generated images"):
        some.accuracy(REAL, EXAM, 0, augmented=False)


def test_lessons_are_joined_and_repeated_with_their_labels():
    both = Labelled(REAL.images[:3], REAL.labels[:3]).repeated(2) + REAL
    np.testing.assert_array_equal(both.labels, [*REAL.labels[:3], *REAL.labels[:3], *REAL.labels])
    assert len(both) == 102
    for place, row in ((0, 0), (4, 1), (6, 0), (101, 95)):
        np.testing.assert_array_equal(both.images[place], REAL.images[row])
