"""The averaged generator: which weights it has, and that training knows nothing of it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.registry import PROCEDURES
from harness.data.load import load_dataset
from harness.training.averaging import GeneratorAverage
from harness.training.checkpoint import capture
from harness.training.loop import Trainer
from harness.training.procedures import Procedure, Step

TINY = TrialConfig(width=0.0625, batch_size=16, images=160, latent_dim=8)
ROUNDING = 1e-5  # some dozens of float32 operations of 6e-8 each


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def network() -> keras.Model:
    """Two layers: weights that are trained, and the moving statistics of batch normalization."""
    return keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    )


def shares(horizon: float, every: int, steps: int) -> dict[int, float]:
    """Step t -> share of the weights after it in the average after ``steps``; -1: the beginning.

    What is taken in at t with the rate 1 - d is multiplied by the d of every later update.
    """
    times = range(every - 1, steps, every)
    decays = {t: min((1 - 1 / horizon) ** every, (1 + t) / (10 + t)) for t in times}
    kept = {t: float(np.prod([d for later, d in decays.items() if later > t])) for t in times}
    found = {t: (1 - decays[t]) * kept[t] for t in times}
    return {-1: 1 - sum(found.values()), **found}


@pytest.mark.parametrize(
    ("horizon", "every", "steps"), [(10.0, 1, 30), (30.0, 3, 40), (100.0, 10, 95), (500.0, 10, 95)]
)
@pytest.mark.parametrize("xla", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_average_is_the_sum_of_what_the_weights_were(
    horizon: float, every: int, steps: int, xla: bool
) -> None:
    model = network()
    average = GeneratorAverage(model, horizon)

    @tf.function(jit_compile=xla, input_signature=[tf.TensorSpec([], tf.int32)])
    def train(count: tf.Tensor) -> None:
        for step in tf.range(count):
            for index, variable in enumerate(model.variables):
                fill = tf.fill(variable.shape, tf.cast(index * 100 + (step + 1) ** 2, tf.float32))
                variable.assign(fill)
            average.update(step)

    before = capture(model.variables)
    train(steps)
    found = shares(horizon, every, steps)
    for index, name in enumerate(before):
        values = {t: index * 100 + (t + 1) ** 2 for t in found}
        values[-1] = before[name]
        expected = sum(share * values[t] for t, share in found.items())
        np.testing.assert_allclose(capture(average.variables)[name], expected, rtol=ROUNDING)


def test_a_horizon_of_a_step_or_less_is_no_average() -> None:
    model = network()
    average = GeneratorAverage(model, 0.01)
    for step in range(20):
        for variable in model.variables:
            variable.assign(tf.fill(variable.shape, float(step)))
        average.update(tf.constant(step))
    assert all((variable.numpy() == 19.0).all() for variable in average.variables)


def test_the_average_is_shown_and_the_weights_come_back_even_after_an_error() -> None:
    model = network()
    average = GeneratorAverage(model, 10.0)
    raw = [np.random.default_rng(0).normal(size=v.shape) for v in model.variables]
    mean = [np.full(v.shape, 0.5) for v in model.variables]
    for variables, values in ((model.variables, raw), (average.variables, mean)):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    before = capture(model.variables)

    def interrupt() -> None:
        with average.shown():
            assert all((variable.numpy() == 0.5).all() for variable in model.variables)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    after = capture(model.variables)
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.slow
def test_training_is_the_same_bit_for_bit_with_an_average_beside_it(digits) -> None:
    plain, averaged = Trainer(TINY, digits), Trainer(TINY.replace(ema=0.2), digits)
    for trainer in (plain, averaged):
        list(trainer.run([160]))
    assert len(averaged.variables) == len(plain.variables) + len(plain.networks.generator.variables)
    for one, other in zip(plain.variables, averaged.variables, strict=False):
        assert np.array_equal(one.numpy(), other.numpy()), one.path
    assert np.array_equal(averaged.generate_raw(5), plain.generate(5))
    assert not np.array_equal(averaged.generate(5), plain.generate(5))
    assert np.array_equal(averaged.generate_raw(5), plain.generate(5))  # the weights came back


def test_the_horizon_is_a_share_of_all_steps(digits, monkeypatch) -> None:
    """20 steps that set all weights to their number; half of the budget is a horizon of 10."""

    def count(networks, optimizers, game, batch):
        for variable in networks.generator.trainable_variables:
            variable.assign_add(tf.ones(variable.shape))
        logits = tf.zeros([16, 1])
        return Step(tf.constant(0.0), tf.constant(0.0), logits, logits)

    monkeypatch.setattr(PROCEDURES, "get", lambda name: Procedure("count", count, "test", 1, count))
    trainer = Trainer(TINY.replace(images=320, ema=0.5), digits)
    bias = trainer.networks.generator.trainable_variables[-1]
    bias.assign(tf.zeros(bias.shape))
    average = Trainer(TINY.replace(images=320, ema=0.5), digits)
    list(trainer.run([160, 320]))
    assert (bias.numpy() == 20.0).all()
    expected = sum(share * (t + 1) for t, share in shares(10.0, 1, 20).items())
    with trainer.trial_generator() as generator:
        shown = generator.trainable_variables[-1].numpy()
    assert average.config.ema == 0.5
    np.testing.assert_allclose(shown, expected, rtol=ROUNDING)
    assert (bias.numpy() == 20.0).all()
