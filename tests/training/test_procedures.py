"""What each procedure shows to which network, and which weights each of its updates moves."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.core.registry import PROCEDURES
from harness.models.networks import Networks, Optimizers, build_networks
from harness.training.procedures import Batch

N, LATENT_DIM = 8, 5
NO_LABELS = np.zeros((3, N, 0), np.float32)
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


def step(name, networks, g_rate=0.1, d_rate=0.1):
    """One step with plain gradient descent at the two rates, on the batch of ``batch``."""
    record = PROCEDURES.get(name)
    optimizers = Optimizers(keras.optimizers.SGD(g_rate), keras.optimizers.SGD(d_rate))
    return record.step(networks, optimizers, batch(record.noise_batches))


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
    for rates, expected in (((0.1, 0.0), (True, False)), ((0.0, 0.1), (False, True))):
        networks = made(architecture="radford", normalization="batch")
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


def test_the_mixed_batch_is_normalized_as_one():
    """Real logits depend on the fakes in the same batch only where batch norm sees both."""
    for name, depends in (("stacked", True), ("alternating", False)):
        logits = []
        for seed in (0, 1):  # of the generator alone
            generator, _ = made(architecture="radford", normalization="batch", seed=seed)
            _, discriminator = made(architecture="radford", normalization="batch", seed=0)
            logits.append(np.asarray(step(name, Networks(generator, discriminator)).real_logits))
        assert np.array_equal(*logits) != depends


@pytest.mark.parametrize("name", TWO_STEPS)
def test_losses_are_those_of_the_first_networks_and_then_of_the_updated_discriminator(name):
    networks = made()
    real, _, noise, _ = batch(2)
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
        seen = record.step(made(), rates, first._replace(noise=noise))
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
    record.step(Recorded(*made(conditional="labels")), rates, seen)
    assert np.array_equal(asked, seen.fake_labels)
    real, first, last = seen.real_labels, seen.fake_labels[0], seen.fake_labels[-1]
    expected = {
        "simultaneous": [real, first],
        "alternating": [real, first, last],
        "stacked": [np.concatenate([real, first]), last],
    }
    assert all(np.array_equal(a, b) for a, b in zip(judged, expected[name], strict=True))
