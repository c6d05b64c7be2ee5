"""Authenticity and C_T: copies of training images read as copies, new images do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample
from harness.evaluation.metrics import authentic_fraction as module
from harness.evaluation.metrics.authentic_fraction import authentic_fraction
from harness.evaluation.metrics.copying_ct import copying_ct


def classed(features: np.ndarray, labels: np.ndarray) -> Sample:
    images = np.frombuffer(np.ascontiguousarray(features).tobytes(), np.uint8)
    return Sample(images.reshape(len(features), -1, 8, 1), features, np.eye(3)[labels])


def draw(rng: np.random.Generator, size: int) -> Sample:
    """``size`` images of three Gaussian classes that lie apart."""
    labels = rng.integers(0, 3, size)
    return classed(30.0 * labels[:, None] + rng.normal(size=(size, 5)), labels)


@pytest.fixture
def real(rng):
    return replace(draw(rng, 600), training=draw(rng, 500))


def moved(sample: Sample, by: float, rng: np.random.Generator) -> Sample:
    noise = by * rng.normal(size=sample.features.shape)
    return classed(sample.features + noise, sample.labels)


def test_copies_are_not_authentic_and_new_images_are_as_often_as_held_out_ones(real, rng):
    copies = real.training.rows(rng.choice(500, 300))
    assert authentic_fraction(real, copies, rng) == 0.0
    assert authentic_fraction(real, moved(copies, 0.01, rng), rng) < 0.05
    # Both are shares of 600 draws of one law: four standard errors of their difference.
    held_out = authentic_fraction(real, real, rng)
    assert 0.3 < held_out < 0.9
    assert authentic_fraction(real, draw(rng, 600), rng) == pytest.approx(held_out, abs=0.115)
    assert authentic_fraction(real, moved(copies, 50.0, rng), rng) == 1.0


def test_authenticity_agrees_with_its_definition(real, rng):
    fake, training = draw(rng, 80), real.training.features
    between = np.linalg.norm(training[:, None] - training, axis=2)
    np.fill_diagonal(between, np.inf)
    distances = np.linalg.norm(fake.features[:, None] - training, axis=2)
    nearest = distances.argmin(axis=1)
    expected = (between.min(axis=1)[nearest] < distances.min(axis=1)).mean()
    assert authentic_fraction(real, fake, rng) == pytest.approx(expected, abs=1e-12)


def test_of_many_training_images_always_the_same_are_searched(real, rng, monkeypatch):
    monkeypatch.setattr(module, "MOST_TRAINING", 100)
    fake = draw(rng, 200)
    shuffled = replace(real, training=real.training.rows(rng.permutation(500)))
    first = authentic_fraction(replace(real), fake, rng)
    assert authentic_fraction(shuffled, fake, rng) == first


def test_ct_is_near_0_for_new_images_and_far_below_for_copies(real, rng):
    assert abs(copying_ct(real, draw(rng, 600), rng)) < 2.5  # the mean of three standard normals
    assert copying_ct(real, moved(real.training, 0.1, rng), rng) < -5
    assert copying_ct(real, moved(real, 3.0, rng), rng) > 5
    assert copying_ct(real, real, rng) == pytest.approx(0.0, abs=1e-12)


def test_ct_agrees_with_scipy_class_by_class(real, rng):
    fake = draw(rng, 300)
    total, images = 0.0, 0
    for label in range(3):
        training = real.training.features[real.training.labels == label]
        near = [
            np.linalg.norm(side.features[side.labels == label][:, None] - training, axis=2).min(1)
            for side in (fake, real)
        ]
        found = mannwhitneyu(*near, use_continuity=False, method="asymptotic")
        mean = len(near[0]) * len(near[1]) / 2
        z = np.sqrt(2) * _inverse_error(1 - found.pvalue) * np.sign(found.statistic - mean)
        total, images = total + len(near[1]) * z, images + len(near[1])
    assert copying_ct(real, fake, rng) == pytest.approx(total / images, rel=1e-6)


def _inverse_error(p: float) -> float:
    from scipy.special import erfinv

    return float(erfinv(p))


def test_ct_takes_one_cell_where_all_classes_are_too_small(rng):
    real = replace(draw(rng, 30), training=draw(rng, 60))
    copies = real.training.rows(np.arange(30))
    assert copying_ct(real, copies, rng) < -4  # 30 zeros below 30 others: z of about -6.6
    constant = classed(np.zeros((30, 5)), np.zeros(30, int))
    same = replace(constant, training=constant)
    assert copying_ct(same, constant, rng) == 0.0  # all distances are equal


@pytest.mark.parametrize("metric", [authentic_fraction, copying_ct])
def test_without_training_images_it_is_one_line(metric, real, rng):
    with pytest.raises(InputError, match="takes a real sample with its training images"):
        metric(replace(real, training=None), real, rng)
