"""Which way a transposed convolution is computed, and that it is the same function."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.models.architectures._blocks import scaled
from harness.models.convolution import gain, uses_transform
from harness.models.layers.saving import with_layers_of_keras
from harness.models.layers.transform_convolution import TransformConv2DTranspose
from harness.models.networks import build_networks, check_supported

MAP, KERNEL = (7, 7), (5, 5)


def chosen(**fields):
    """What is chosen for the tutorial's 5x5 transposed convolution on 7x7 maps."""
    config = TrialConfig(images=10**6, **fields)
    channels, filters = scaled(256, config.width), scaled(128, config.width)
    return uses_transform(config, MAP, KERNEL, channels, filters)


@pytest.fixture
def devices(monkeypatch):
    """The list of GPUs that TensorFlow sees: empty, to be added to."""
    gpus = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
    return gpus


@pytest.mark.parametrize(
    ("width", "batch_size", "transform"),
    [(1.0, 256, True), (1.0, 64, True), (0.5, 64, True), (0.25, 64, False), (0.25, 256, False)],
)
def test_auto_is_where_it_was_measured_to_gain(devices, width, batch_size, transform):
    assert chosen(width=width, batch_size=batch_size) is transform
    assert chosen(width=width, batch_size=batch_size, precision="bfloat16") is False
    devices.append("a GPU")
    assert chosen(width=width, batch_size=batch_size) is False


@pytest.mark.parametrize("gpus", [[], ["a GPU"]])
def test_what_is_asked_for_is_done_anywhere(devices, gpus):
    devices += gpus
    assert chosen(convolution="transform", width=0.0625) is True
    assert chosen(convolution="direct", batch_size=256) is False


def test_the_gain_counts_multiply_adds():
    """Plain: 49 * 25 * 256 * 128. Transform: 121 (49 (256 + 128) + 256 * 128 (1 + 25 / 256))."""
    assert gain(MAP, KERNEL, 256, 128, 256) == pytest.approx(40_140_800 / 6_628_864)


@pytest.mark.parametrize("name", ["tutorial", pytest.param("upsampling", marks=pytest.mark.slow)])
def test_the_networks_have_the_same_weights_and_give_the_same_images(name):
    def built(convolution):
        config = TrialConfig(architecture=name, width=0.0625, convolution=convolution)
        return build_networks(config, (28, 28, 1), 10)

    direct, transform = built("direct"), built("transform")
    for one, other in zip(direct, transform, strict=True):
        for plain, weights in zip(one.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(plain, weights)
    counts = [sum(type(x) is TransformConv2DTranspose for x in n.layers) for n in transform]
    assert counts == [{"tutorial": 1, "upsampling": 4}[name], 0]
    saved = [with_layers_of_keras(network) for network in direct]
    kinds = {type(layer) for network in saved for layer in network.layers}
    assert {kind.__module__.partition(".")[0] for kind in kinds} == {"keras"}
    noise = np.random.default_rng(0).normal(size=(8, 100)).astype(np.float32)
    images = [np.asarray(n.generator(noise, training=False)) for n in (direct, transform)]
    np.testing.assert_allclose(images[1], images[0], rtol=0, atol=1e-5)  # of [-1, 1]


def test_direct_trains_bit_for_bit_as_the_tutorials_own_layers():
    """The generator as TensorFlow's tutorial writes it, from the same weights."""
    config = TrialConfig(width=0.125, latent_dim=8, convolution="direct")
    generator = build_networks(config, (28, 28, 1), 10).generator
    layers = keras.layers
    plain = keras.Sequential([keras.Input((8,)), layers.Dense(7 * 7 * 32, use_bias=False)])
    for layer in (
        layers.BatchNormalization(),
        layers.LeakyReLU(0.2),
        layers.Reshape((7, 7, 32)),
        layers.Conv2DTranspose(16, 5, 1, "same", use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(0.2),
        layers.Conv2DTranspose(8, 5, 2, "same", use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(0.2),
        layers.Conv2DTranspose(1, 5, 2, "same", use_bias=False, activation="tanh"),
    ):
        plain.add(layer)
    plain.set_weights(generator.get_weights())
    noise = tf.random.stateless_normal((16, 8), (0, 0))
    losses = []
    for network in (plain, generator):
        optimizer = keras.optimizers.Adam(1e-3)
        for _ in range(3):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(network(noise, training=True) - 0.5))
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)
            losses.append(float(loss))
    assert losses[:3] == losses[3:]
    assert len(set(losses)) == 3
    for one, other in zip(plain.get_weights(), generator.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["mlp", "radford", "latent_conv"])
def test_an_architecture_without_such_a_layer_says_which_have_one(name):
    for value in ("auto", "direct"):
        check_supported(TrialConfig(architecture=name, convolution=value))
    with pytest.raises(InputError) as caught:
        check_supported(TrialConfig(architecture=name, convolution="transform"))
    assert str(caught.value) == (
        f"architecture {name} does not support convolution = 'transform'; "
        "allowed: auto, direct (transform: tutorial, upsampling)"
    )
