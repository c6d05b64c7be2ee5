"""Which way a transposed convolution is computed, and that it is the same function."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.models.architectures._blocks import scaled
from harness.models.convolution import Sizes, gain, uses_transform
from harness.models.game import build_game
from harness.models.layers.adjustable import LeakyReLU
from harness.models.layers.saving import with_layers_of_keras
from harness.models.layers.transform_convolution import (
    TransformConv2D,
    TransformConv2DTranspose,
)
from harness.models.networks import build_networks, check_supported

MAP, KERNEL = (7, 7), (5, 5)


def chosen(**fields):
    """What is chosen for the tutorial's 5x5 transposed convolution on 7x7 maps."""
    config = TrialConfig(images=10**6, **fields)
    channels, filters = scaled(256, config.width), scaled(128, config.width)
    return uses_transform(config, Sizes(MAP, KERNEL, 1, channels, filters))


def chosen_strided(**fields):
    """What is chosen between the 14x14 and the 7x7 maps of its discriminator."""
    config = TrialConfig(images=10**6, **fields)
    sizes = Sizes(MAP, KERNEL, 2, scaled(128, config.width), scaled(64, config.width))
    return uses_transform(config, sizes)


@pytest.fixture
def devices(monkeypatch):
    """The list of GPUs that TensorFlow sees: empty, to be added to."""
    gpus = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
    return gpus


@pytest.mark.parametrize(
    ("width", "batch_size", "unstrided", "strided"),
    [
        (1.0, 256, True, True),
        (1.0, 64, True, False),
        (0.5, 256, True, False),
        (0.25, 64, True, False),
        (0.125, 64, False, False),
    ],
)
def test_auto_is_where_it_was_measured_to_gain(devices, width, batch_size, unstrided, strided):
    assert chosen(width=width, batch_size=batch_size) is unstrided
    assert chosen_strided(width=width, batch_size=batch_size) is strided
    assert chosen(width=width, batch_size=batch_size, precision="bfloat16") is False
    devices.append("a GPU")
    assert chosen(width=width, batch_size=batch_size) is False
    assert chosen_strided(width=width, batch_size=batch_size) is False


@pytest.mark.parametrize("gpus", [[], ["a GPU"]])
def test_what_is_asked_for_is_done_anywhere(devices, gpus):
    devices += gpus
    assert chosen(convolution="transform", width=0.0625) is True
    assert chosen_strided(convolution="transform", width=0.5) is True
    for convolution in (chosen, chosen_strided):
        assert convolution(convolution="direct", batch_size=256) is False


def test_the_gain_counts_multiply_adds():
    """Plain: 49 * 25 * 256 * 128. Transform: 121 (49 (256 + 128) + 256 * 128 (1 + 25 / 256))."""
    found = gain(Sizes(MAP, KERNEL, 1, 256, 128), 256)
    assert found == pytest.approx(40_140_800 / 6_628_864)


def test_the_gain_with_a_stride_counts_phases_as_channels_and_blocks_as_taps():
    """Plain: 49 * 25 * 128 * 64. A cycle of 8x8, 4 + 30 * 3 products, 3x3 taps, 256 channels:

    94 (49 (128 + 256) + 128 * 256 (1 + 9 / 256)). The same maps and kernels take less by far where
    one kind has a single channel, which 28x28 images have: 196 * 25 * 64 for a cycle of 15x15.
    """
    found = gain(Sizes(MAP, KERNEL, 2, 128, 64), 256)
    assert found == pytest.approx(10_035_200 / (94 * (18_816 + 33_920)))
    assert gain(Sizes((14, 14), KERNEL, 2, 64, 1), 256) < 0.1


def test_what_is_asked_for_is_done_with_a_stride_where_it_takes_fewer_multiply_adds(devices):
    assert chosen_strided(convolution="transform", width=0.25) is False
    assert (
        uses_transform(TrialConfig(convolution="transform"), Sizes((14, 14), KERNEL, 2, 64, 1))
        is False
    )
    for kernel, stride in ((3, 2), (5, 3)):  # which are not computed at all
        sizes = Sizes(MAP, (kernel, kernel), stride, 1_000, 1_000)
        assert uses_transform(TrialConfig(convolution="transform"), sizes) is False


# At width 1 and a batch of 256: 7x7 or 14x14 to itself, 4x4 and 7x7 to twice that, 14x14 to half.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tutorial", (2, 1)),
        pytest.param("upsampling", (1, 1), marks=pytest.mark.slow),
        pytest.param("radford", (2, 1), marks=pytest.mark.slow),
        pytest.param("latent_conv", (0, 0), marks=pytest.mark.slow),
        pytest.param("mlp", (0, 0), marks=pytest.mark.slow),
    ],
)
def test_the_layers_that_auto_computes_by_frequencies(devices, name, expected):
    config = TrialConfig(architecture=name, batch_size=256)
    networks = build_networks(config, (28, 28, 1), 10)
    kinds = (TransformConv2D, TransformConv2DTranspose)
    found = tuple(sum(type(layer) in kinds for layer in network.layers) for network in networks)
    assert found == expected


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


def test_losses_and_gradients_are_those_of_direct_in_float32():
    """With a slope of 1, since next to a kink of LeakyReLU rounding decides about the gradient."""
    config = TrialConfig(width=0.5, batch_size=16, dropout=0.0)
    noise = tf.random.stateless_normal((16, 100), (0, 0))
    images = tf.random.stateless_uniform((16, 28, 28, 1), (0, 1), -1.0, 1.0)
    game, found = build_game(config), []
    for convolution in ("direct", "transform"):
        networks = build_networks(config.replace(convolution=convolution), (28, 28, 1), 10)
        kinds = [TransformConv2DTranspose] * 2 + [TransformConv2D]
        layers = [layer for network in networks for layer in network.layers]
        transformed = [type(layer) for layer in layers if type(layer) in kinds]
        assert transformed == (kinds if convolution == "transform" else [])
        for layer in layers:
            if isinstance(layer, LeakyReLU):
                layer.adjust(LeakyReLU(1.0))
        with tf.GradientTape(persistent=True) as tape:
            fakes = networks.judge(networks.generate(noise, noise[:, :0]), noise[:, :0])
            real = networks.judge(images, noise[:, :0])
            losses = game.g_loss(real, fakes), game.d_loss(real, fakes)
        variables = [[v.value for v in network.trainable_variables] for network in networks]
        gradients = [tape.gradient(*one) for one in zip(losses, variables, strict=True)]
        found.append([*losses, *gradients[0], *gradients[1]])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-4 * np.abs(one).max())


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


@pytest.mark.parametrize("name", ["mlp"])
def test_an_architecture_without_such_a_layer_says_which_have_one(name):
    for value in ("auto", "direct"):
        check_supported(TrialConfig(architecture=name, convolution=value))
    with pytest.raises(InputError) as caught:
        check_supported(TrialConfig(architecture=name, convolution="transform"))
    assert str(caught.value) == (
        f"architecture {name} does not support convolution = 'transform'; "
        "allowed: auto, direct (transform: latent_conv, radford, tutorial, upsampling)"
    )
