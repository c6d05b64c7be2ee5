"""Copies of training images are found, new images read the stated level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample
from harness.evaluation.metrics.memorized_fraction import LEVEL, memorized_fraction

CENTERS = 5.0 * np.random.default_rng(0).normal(size=(4, 6))


def labelled(features: np.ndarray, labels: np.ndarray, num_classes: int = 4) -> Sample:
    images = np.frombuffer(np.ascontiguousarray(features).tobytes(), np.uint8)
    return Sample(images.reshape(len(features), -1, 8, 1), features, np.eye(num_classes)[labels])


def draw(rng: np.random.Generator, size: int) -> Sample:
    """``size`` images of four Gaussian classes, the third ten times as spread as the others."""
    labels = rng.integers(0, 4, size)
    spread = np.where(labels == 2, 10.0, 1.0)[:, None]
    return labelled(CENTERS[labels] + spread * rng.normal(size=(size, 6)), labels)


@pytest.fixture
def real(rng):
    return replace(draw(rng, 2000), training=draw(rng, 1000))


def test_copies_read_1_and_near_copies_almost(real, rng):
    copies = real.training.rows(rng.choice(1000, 300))
    assert memorized_fraction(real, copies, rng) == 1.0
    # A tenth of a standard deviation beside an image, whose next neighbours are one or two away.
    near = labelled(copies.features + 0.03 * rng.normal(size=copies.features.shape), copies.labels)
    assert memorized_fraction(real, near, rng) > 0.95


def test_new_images_read_the_level_and_a_mixture_what_is_in_it(real, rng):
    # 4 standard errors: sqrt(.05 * .95 (1/2000 + 1/2000)) = 0.007 from both sides' counts.
    new = draw(rng, 2000)
    assert memorized_fraction(real, new, rng) == pytest.approx(LEVEL, abs=0.028)
    assert memorized_fraction(real, real, rng) == pytest.approx(LEVEL, abs=1 / 2000)
    copies = real.training.rows(np.arange(500))
    features = np.concatenate([copies.features, new.features[:1500]])
    mixed = labelled(features, np.concatenate([copies.labels, new.labels[:1500]]))
    assert memorized_fraction(real, mixed, rng) == pytest.approx(0.25 + 0.75 * LEVEL, abs=0.028)


def test_crowded_images_are_not_taken_for_copies(real, rng):
    # Half the spread within each class: nearer to training images, as a dull generator is, but no
    # nearer to one of them than to its neighbours. Distances alone would call most of it copied.
    dull = draw(rng, 2000)
    features = CENTERS[dull.labels] + 0.5 * (dull.features - CENTERS[dull.labels])
    assert memorized_fraction(real, labelled(features, dull.labels), rng) < 2 * LEVEL


def test_nearness_by_hand(rng):
    # Training images of the class at 0, 1, 2, 3, 4, 5: nearness of x is |x - nearest| over the
    # distance to the fifth nearest. Held-out 2.5 (0.5 / 2.5), 9 (4 / 8) and 2.3 (0.3 / 2.3): the
    # lowest of three is the threshold, 0.130. Fakes: 1.9 (0.1 / 2.1 = 0.048) in, 2.5 (0.2) out,
    # 2.3 in as a tie, 5.7 (0.7 / 4.7 = 0.149) out; by the second nearest it would be in.
    line = np.arange(6.0)[:, None]
    training = labelled(line, np.zeros(6, int), 2)
    held_out = labelled(np.array([[2.5], [9.0], [2.3]]), np.zeros(3, int), 2)
    fakes = labelled(np.array([[1.9], [2.5], [2.3], [5.7]]), np.zeros(4, int), 2)
    assert memorized_fraction(replace(held_out, training=training), fakes, rng) == 0.5


def test_a_class_without_training_images_and_a_class_of_one(rng):
    training = labelled(np.array([[0.0], [7.0], [7.0]]), np.array([0, 1, 1]), 3)
    held_out = labelled(np.array([[1.0], [6.0], [5.0]]), np.array([0, 1, 1]), 3)
    real = replace(held_out, training=training)  # every nearness is 1, which no copy has
    assert memorized_fraction(real, held_out, rng) == 0.0
    assert memorized_fraction(real, labelled(np.ones((3, 1)), np.full(3, 2), 3), rng) == 0.0
    assert memorized_fraction(real, labelled(np.full((4, 1), 7.0), np.ones(4, int), 3), rng) == 1.0
    exact = replace(labelled(np.array([[0.0], [7.0]]), np.array([0, 1]), 3), training=training)
    assert memorized_fraction(exact, held_out, rng) == 0.0  # 0, an exact copy, is the threshold


def test_training_images_are_asked_for(real, rng):
    with pytest.raises(InputError, match="with its training images"):
        memorized_fraction(replace(real, training=None), real, rng)
