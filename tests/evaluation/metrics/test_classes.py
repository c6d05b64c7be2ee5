"""Divergence of class shares and the classifier score."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import entropy

from harness.evaluation.metrics import Sample
from harness.evaluation.metrics.classifier_score import classifier_score
from harness.evaluation.metrics.mode_kl import mode_kl


def _with_probabilities(probabilities):
    n = len(probabilities)
    return Sample(np.zeros((n, 4, 4, 1), np.uint8), np.zeros((n, 2)), np.asarray(probabilities))


def test_kl_of_uniform_and_of_one_mode(from_labels, rng):
    # The ends of the stacked MNIST scale with its 1,000 modes: 0 and ln 1000 = 6.908.
    uniform = from_labels(np.arange(1000), 1000)
    assert mode_kl(uniform, uniform, rng) == pytest.approx(0.0, abs=1e-12)
    one = from_labels([7] * 50, 1000)
    assert mode_kl(uniform, one, rng) == pytest.approx(math.log(1000), rel=1e-12)


def test_kl_goes_from_fake_to_real(from_labels, rng):
    p, q = from_labels([0, 1, 1, 2], 3), from_labels([0, 0, 1, 1, 1, 2, 2, 2], 3)
    expected = entropy(q.class_shares, p.class_shares)
    assert mode_kl(p, q, rng) == pytest.approx(expected, rel=1e-12)
    assert mode_kl(q, p, rng) != pytest.approx(expected, rel=1e-3)


def test_kl_is_finite_when_the_real_sample_lacks_a_class(from_labels, rng):
    # Real 0, 1 of three classes: the missing one counts as half an image, so p = (2, 2, 1)/5 and
    # all fakes in it give ln 5.
    value = mode_kl(from_labels([0, 1], 3), from_labels([2, 2], 3), rng)
    assert value == pytest.approx(math.log(5), rel=1e-12)


def test_classifier_score_of_sure_and_unsure_classifications(rng):
    any_real = _with_probabilities(np.full((2, 4), 0.25))
    sure = _with_probabilities(np.eye(4)[[0, 1, 2, 3] * 3])
    assert classifier_score(any_real, sure, rng) == pytest.approx(4.0, rel=1e-12)
    assert classifier_score(any_real, any_real, rng) == 1.0
    one_class = _with_probabilities(np.eye(4)[[2] * 5])
    assert classifier_score(any_real, one_class, rng) == 1.0


def test_classifier_score_by_hand(rng):
    # (0.9, 0.1) and (0.1, 0.9), marginal (1/2, 1/2): KL = ln 2 + 0.9 ln 0.9 + 0.1 ln 0.1 for both.
    fake = _with_probabilities([[0.9, 0.1], [0.1, 0.9]])
    expected = 2 * 0.9**0.9 * 0.1**0.1
    assert classifier_score(fake, fake, rng) == pytest.approx(expected, rel=1e-12)
