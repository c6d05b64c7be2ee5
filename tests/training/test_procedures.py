"""What each procedure shows to which network, and which weights each of its updates moves."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.registry import PROCEDURES
from harness.models.game import build_game
from harness.models.networks import Networks, Optimizers, build_networks, build_optimizers
from harness.training.procedures import Batch

N, LATENT_DIM = 8, 5
NO_LABELS = np.zeros((3, N, 0), np.float32)
GAME = build_game(TrialConfig())
TWO_STEPS = ["alternating", "stacked"]
"""The procedures that update the generator against the updated discriminator."""


def made(**fields):
    """Networks without randomness of their own, unless ``fields`` say otherwise."""
    plain = {"dropout": 0.0, "normalization": "none", **fields}
    config = TrialConfig(width=0.0625, latent_dim=LATENT_DIM, **plain)
    return build_networks(config, (28, 28, 1), 10)


def batch(num_noise, num_labels=0):
    rng = np.random.default_rng(1)
    real = rng.uniform(-1, 1, (N, 28, 28, 1)).astype(np.float32)
    noise = rng.normal(size=(num_noise, N, LATENT_DIM)).astype(np.float32)
    classes = rng.integers(0, max(num_labels, 1), (1 + num_noise, N))
    labels = np.eye(num_labels, dtype=np.float32)[classes] if num_labels else NO_LABELS
    return Batch(real, labels[0], noise, labels[1:])


def step(name, networks, g_rate=0.1, d_rate=0.1, game=GAME):
    """One step with plain gradient descent at the two rates, on the batch of ``batch``."""
    record = PROCEDURES.get(name)
    optimizers = Optimizers(keras.optimizers.SGD(g_rate), keras.optimizers.SGD(d_rate))
    return record.step(networks, optimizers, game, batch(record.noise_batches))


def values(network):
    return [np.array(variable) for variable in network.trainable_variables]


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def entropy(logits, label):
    """Keras's mean binary cross-entropy of logits (N, 1) that are all labelled ``label``."""
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    return float(loss(np.full(logits.shape, label, np.float32), logits))


@pytest.mark.parametrize("name", PROCEDURES.names())
def test_each_update_moves_the_weights_of_its_network_alone(name):
    """With a rate of 0 for one network, whatever moves was moved by the other one's update."""
    networks = made(architecture="radford", normalization="batch")
    for rates, expected in (((0.1, 0.0), (True, False)), ((0.0, 0.1), (False, True))):
        before = [values(network) for network in networks]
        step(name, networks, *rates)
        for network, old, moves in zip(networks, before, expected, strict=True):
            assert moved(old, values(network)) == [moves] * len(old)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("simultaneous", [N, N]), ("alternating", [N, N, N]), ("stacked", [2 * N, N])],
)
def test_which_batches_the_discriminator_sees(name, sizes):
    generator, discriminator = made()
    seen = []

    def watched(images, training):
        seen.append(len(images))
        return discriminator(images, training=training)

    spy = SimpleNamespace(trainable_variables=discriminator.trainable_variables)
    spy = type("Spy", (), {"__call__": staticmethod(watched), **vars(spy)})()
    step(name, Networks(generator, spy))
    assert seen == sizes


@pytest.mark.slow
def test_the_mixed_batch_is_normalized_as_one():
    """Real logits depend on the fakes in the same batch only where batch norm sees both."""
    one, other = (made(architecture="radford", normalization="batch", seed=k) for k in (0, 1))
    discriminator, weights = one.discriminator, one.discriminator.get_weights()
    for name, depends in (("stacked", True), ("alternating", False)):
        logits = []
        for generator in (one.generator, other.generator):
            discriminator.set_weights(weights)
            logits.append(np.asarray(step(name, Networks(generator, discriminator)).real_logits))
        assert np.array_equal(*logits) != depends


@pytest.mark.parametrize("name", TWO_STEPS)
def test_losses_are_those_of_the_first_networks_and_then_of_the_updated_discriminator(name):
    networks = made()
    real, _, noise, *_ = batch(2)
    real_logits, fake_logits = (
        np.asarray(networks.discriminator(images))
        for images in (real, networks.generator(noise[0]))
    )
    d_loss = entropy(real_logits, 1) + entropy(fake_logits, 0)
    untouched = entropy(np.asarray(networks.discriminator(networks.generator(noise[1]))), 1)
    seen = step(name, networks, g_rate=0.0, d_rate=1.0)
    g_loss = entropy(np.asarray(networks.discriminator(networks.generator(noise[1]))), 1)
    # the mean over a mixed batch is half the sum of the two means; float32 throughout
    assert float(seen.d_loss) == pytest.approx(d_loss / (2 if name == "stacked" else 1), rel=1e-5)
    assert float(seen.g_loss) == pytest.approx(g_loss, rel=1e-5)
    assert abs(g_loss - untouched) > 1e-3  # the update shows, so the order is tested
    assert np.allclose(seen.real_logits, real_logits, rtol=1e-5, atol=1e-6)
    assert np.allclose(seen.fake_logits, fake_logits, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", TWO_STEPS)
def test_the_generators_noise_is_fresh(name):
    """Other noise for the second half changes its loss and nothing about the first half."""
    record = PROCEDURES.get(name)
    first = batch(record.noise_batches)
    losses = []
    for change in (0, 1):
        noise = first.noise + np.array([0, change], np.float32)[:, None, None]
        rates = Optimizers(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        seen = record.step(made(), rates, GAME, first._replace(noise=noise))
        losses.append((float(seen.d_loss), float(seen.g_loss)))
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]


@pytest.mark.parametrize("name", PROCEDURES.names())
def test_labels_go_with_their_images(name):
    """Images that are told apart by nothing but their label: what comes where is recorded."""
    asked, judged = [], []

    class Recorded(Networks):
        def generate(self, noise, labels, training=True):
            asked.append(np.asarray(labels))
            return super().generate(noise, labels, training)

        def judge(self, images, labels):
            judged.append(np.asarray(labels))
            return super().judge(images, labels)

    record = PROCEDURES.get(name)
    seen = batch(record.noise_batches, num_labels=10)
    rates = Optimizers(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    record.step(Recorded(*made(conditional="labels")), rates, GAME, seen)
    assert np.array_equal(asked, seen.fake_labels)
    real, first, last = seen.real_labels, seen.fake_labels[0], seen.fake_labels[-1]
    expected = {
        "simultaneous": [real, first],
        "alternating": [real, first, last],
        "stacked": [np.concatenate([real, first]), last],
    }
    assert all(np.array_equal(a, b) for a, b in zip(judged, expected[name], strict=True))


def plain_simultaneous(networks, optimizers, seen):
    """As TensorFlow's DCGAN tutorial has it."""
    generator, discriminator = networks
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fakes = generator(seen.noise[0], training=True)
        real, fake = (
            discriminator(seen.real_images, training=True),
            discriminator(fakes, training=True),
        )
        d_loss = mean_softplus(-real) + mean_softplus(fake)
        g_loss = mean_softplus(-fake)
    update(optimizers[0], g_tape, g_loss, generator)
    update(optimizers[1], d_tape, d_loss, discriminator)


def plain_alternating(networks, optimizers, seen):
    generator, discriminator = networks
    fakes = generator(seen.noise[0], training=True)
    with tf.GradientTape() as tape:
        real = discriminator(seen.real_images, training=True)
        d_loss = mean_softplus(-real) + mean_softplus(discriminator(fakes, training=True))
    update(optimizers[1], tape, d_loss, discriminator)
    plain_generator_update(networks, optimizers, seen)


def plain_stacked(networks, optimizers, seen):
    generator, discriminator = networks
    mixed = tf.concat([seen.real_images, generator(seen.noise[0], training=True)], axis=0)
    with tf.GradientTape() as tape:
        real, fake = tf.split(discriminator(mixed, training=True), 2)
        d_loss = (mean_softplus(-real) + mean_softplus(fake)) / 2.0
    update(optimizers[1], tape, d_loss, discriminator)
    plain_generator_update(networks, optimizers, seen)


def plain_generator_update(networks, optimizers, seen):
    generator, discriminator = networks
    with tf.GradientTape() as tape:
        fakes = generator(seen.noise[1], training=True)
        g_loss = mean_softplus(-discriminator(fakes, training=True))
    update(optimizers[0], tape, g_loss, generator)


def mean_softplus(logits):
    return tf.reduce_mean(tf.nn.softplus(logits))


def update(optimizer, tape, loss, network):
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)


PLAIN = {
    "simultaneous": plain_simultaneous,
    "alternating": plain_alternating,
    "stacked": plain_stacked,
}


@pytest.mark.parametrize(
    "name",
    [
        "simultaneous",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("alternating", "stacked")),
    ],
)
def test_the_defaults_train_as_before_there_were_other_losses_bit_for_bit(name):
    """With dropout and batch normalization, whose draws and averages belong to the order."""
    config = TrialConfig(architecture="radford", width=0.0625, latent_dim=LATENT_DIM)
    record, found = PROCEDURES.get(name), []
    for take_step in (
        PLAIN[name],
        lambda networks, optimizers, seen: record.step(networks, optimizers, GAME, seen),
    ):
        networks = build_networks(config, (28, 28, 1), 10)
        optimizers = build_optimizers(config, networks)
        for _ in range(2):
            take_step(networks, optimizers, batch(record.noise_batches))
        found.append([v.numpy() for part in (*networks, *optimizers) for v in part.variables])
    for plain, other in zip(*found, strict=True):
        assert np.array_equal(plain, other)
