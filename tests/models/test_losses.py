import keras
import numpy as np
import pytest

from harness.models.losses import discriminator_loss, generator_loss


def logits(seed):
    return np.random.default_rng(seed).normal(scale=5, size=(64, 1)).astype(np.float32)


def test_losses_are_keras_binary_cross_entropy_with_real_1_and_fake_0():
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    real, fake = logits(0), logits(1)
    expected = entropy(np.ones((64, 1)), real) + entropy(np.zeros((64, 1)), fake)
    # float32 sums of 64 terms: a relative error of some 1e-6
    assert float(discriminator_loss(real, fake)) == pytest.approx(float(expected), rel=1e-5)
    assert float(generator_loss(fake)) == pytest.approx(
        float(entropy(np.ones((64, 1)), fake)), rel=1e-5
    )


def test_an_undecided_discriminator_costs_two_ln_two():
    zero = np.zeros((4, 1), np.float32)
    assert float(discriminator_loss(zero, zero)) == pytest.approx(2 * np.log(2), rel=1e-6)


def test_extreme_logits_stay_finite():
    huge = np.full((4, 1), 1e4, np.float32)
    assert float(discriminator_loss(huge, -huge)) == 0.0
    assert float(discriminator_loss(-huge, huge)) == pytest.approx(2e4, rel=1e-6)
