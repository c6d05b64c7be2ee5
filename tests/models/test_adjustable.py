"""LeakyReLU and Dropout beside those of Keras, bit for bit, also after they were adjusted."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.models.layers.adjustable import Dropout, LeakyReLU

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(40, 30)).astype(np.float32)
NUMBERS[0, :5] = [0.0, -0.0, 1e30, -1e30, 1e-40]
UPSTREAM = RNG.normal(size=NUMBERS.shape).astype(np.float32)


def passed(layer, **options):
    """Outputs and gradients on NUMBERS, compiled."""

    @tf.function(autograph=False)
    def both(numbers, upstream):
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            outputs = layer(numbers, **options)
        return outputs, tape.gradient(outputs, numbers, upstream)

    return lambda: [one.numpy() for one in both(tf.constant(NUMBERS), tf.constant(UPSTREAM))]


@pytest.mark.parametrize("slope", [0.0, 0.2, 0.37, 1.0])
def test_leaky_relu_is_that_of_keras_also_after_it_was_compiled_for_another_slope(slope):
    expected = passed(keras.layers.LeakyReLU(slope))()
    adjusted = LeakyReLU(0.11)
    run = passed(adjusted)
    assert not np.array_equal(run()[0], expected[0])
    adjusted.adjust(LeakyReLU(slope))
    for layer_run in (run, passed(LeakyReLU(slope))):
        for found, one in zip(layer_run(), expected, strict=True):
            assert np.array_equal(found, one)
    assert adjusted.get_config()["negative_slope"] == slope


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.95])
def test_dropout_is_that_of_keras_also_after_it_was_compiled_for_another_rate(rate):
    expected = passed(keras.layers.Dropout(rate, seed=5), training=True)
    adjusted = Dropout(0.5, seed=5)
    run = passed(adjusted, training=True)
    assert not np.array_equal(run()[0], expected()[0])
    adjusted.adjust(Dropout(rate))
    for _ in range(2):  # the masks of two calls are different ones
        for found, one in zip(run(), expected(), strict=True):
            assert np.array_equal(found, one)
    assert adjusted.get_config()["rate"] == rate


def test_dropout_does_nothing_outside_of_training_and_at_rate_0():
    for layer, training in ((Dropout(0.5), False), (Dropout(0.0), True)):
        assert np.array_equal(layer(NUMBERS, training=training), NUMBERS)


def test_their_settings_are_no_variables():
    for layer, other in ((LeakyReLU(0.1), keras.layers.LeakyReLU(0.1)), (Dropout(0.1), None)):
        other = other or keras.layers.Dropout(0.1)
        assert [v.name for v in layer.variables] == [v.name for v in other.variables]


def test_what_cannot_be_adjusted_is_fixed():
    fixed = [layer.fixed_config() for layer in (LeakyReLU(0.1), LeakyReLU(0.2))]
    for one in fixed:
        del one["name"]
    assert fixed[0] == fixed[1]
    rates = [Dropout(rate, name="it").fixed_config() for rate in (0.0, 0.1, 0.2)]
    assert rates[0] != rates[1] == rates[2]


def test_what_they_do_not_compute_is_refused():
    with pytest.raises(ValueError, match="negative_slope is 2"):
        LeakyReLU(2)
    with pytest.raises(ValueError, match="rate is 1 "):
        Dropout(1)
    with pytest.raises(ValueError, match="noise_shape"):
        Dropout(0.5, noise_shape=(None, 1))
