"""What the class histograms say: captured modes and divergences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from harness.evaluation.metrics.mode_jsd import mode_jsd
from harness.evaluation.metrics.mode_kl import mode_kl
from harness.evaluation.metrics.modes_captured import modes_captured
from harness.evaluation.metrics.modes_hit import modes_hit

REAL = [0] * 100 + [1] * 100 + [2] * 100


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((100, 100, 100), 3),
        ((290, 10, 0), 2),  # 10 of 300 is a tenth of a third: still counts
        ((291, 9, 0), 1),  # 9 of 300 does not, where the any-sample rule would count it
        ((0, 0, 300), 1),
    ],
)
def test_a_class_counts_from_a_tenth_of_its_real_share(from_labels, rng, counts, expected):
    fake = from_labels(np.repeat([0, 1, 2], counts), 3)
    assert modes_captured(from_labels(REAL, 3), fake, rng) == expected


def test_classes_without_real_images_do_not_count(from_labels, rng):
    assert modes_captured(from_labels([0, 1], 3), from_labels([1, 2], 3), rng) == 1


def test_a_single_image_hits_a_class_that_is_far_from_captured(from_labels, rng):
    fake = from_labels(np.repeat([0, 1, 3], (298, 1, 1)), 4)
    assert modes_hit(from_labels(REAL, 4), fake, rng) == 2  # class 3 has no real image
    assert modes_captured(from_labels(REAL, 4), fake, rng) == 1


def test_stacked_mnist_by_the_published_rules(from_labels, rng):
    real = from_labels(np.repeat(np.arange(1000), 10), 1000)
    one = from_labels([7] * 26_000, 1000)
    assert modes_hit(real, one, rng) == 1
    assert mode_kl(real, one, rng) == pytest.approx(math.log(1000), rel=1e-12)  # 6.908 nats
    # 26 of each would be perfect: a tenth of it, 2.6, is what `modes_captured` asks for.
    thin = from_labels(np.repeat(np.arange(1000), [2] * 500 + [50] * 500), 1000)
    assert modes_hit(real, thin, rng) == 1000
    assert modes_captured(real, thin, rng) == 500
    # Uniform draws: KL is a likelihood ratio over 2 N, chi-squared of 999 degrees: mean
    # 999 / 52,000 = 0.0192, standard deviation sqrt(2 * 999) / 52,000 = 0.0009.
    drawn = from_labels(rng.integers(0, 1000, 26_000), 1000)
    assert mode_kl(real, drawn, rng) == pytest.approx(999 / 52_000, abs=4 * 0.0009)


def test_jsd_of_equal_and_of_disjoint_histograms(from_labels, rng):
    real = from_labels(REAL, 4)
    assert mode_jsd(real, from_labels([0, 1, 2], 4), rng) == 0.0
    assert mode_jsd(real, from_labels([3, 3], 4), rng) == pytest.approx(math.log(2), rel=1e-12)


def test_jsd_by_hand_and_by_scipy(from_labels, rng):
    # p = (1/2, 1/2), q = (1, 0), m = (3/4, 1/4):
    # (ln(2/3) / 2 + ln(2) / 2 + ln(4/3)) / 2 = 0.2157615543388357
    value = mode_jsd(from_labels([0, 1], 2), from_labels([0, 0], 2), rng)
    assert value == pytest.approx(0.2157615543388357, rel=1e-12)
    p, q = from_labels([0, 1, 1, 3], 4), from_labels([1, 2, 3, 3, 3], 4)
    expected = jensenshannon(p.class_shares, q.class_shares) ** 2  # scipy's is the root
    assert mode_jsd(p, q, rng) == pytest.approx(expected, rel=1e-12)
