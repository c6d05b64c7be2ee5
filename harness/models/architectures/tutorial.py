"""The networks of TensorFlow's DCGAN tutorial (GradientTape), with width, slope and variants.

Deviations: LeakyReLU's slope and the dropout rate are configured (there: Keras's default slope and
0.3); without batch normalization the layers get the bias that it would have replaced.
"""

from __future__ import annotations

import keras
from keras import layers

from harness.core.config import CHOICES, TrialConfig
from harness.models.architectures import architecture
from harness.models.architectures._blocks import (
    add_convolution,
    add_head,
    add_normalization,
    add_transposed_convolution,
    discriminator_width,
    scaled,
)
from harness.models.discriminator_input import judged_shape
from harness.models.layers.adjustable import LeakyReLU


@architecture(
    source="TensorFlow tutorials, 'Deep Convolutional Generative Adversarial Network'",
    supports={
        "normalization": ("batch", "none"),
        "downsampling": ("strided", "pooled"),
        "head": ("dense", "gap"),
        "convolution": CHOICES["convolution"],
        "discriminator_normalization": CHOICES["discriminator_normalization"],
        "minibatch_std": CHOICES["minibatch_std"],
    },
)
def tutorial(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> tuple[keras.Model, keras.Model]:
    """Dense 7x7x256, transposed convolutions 128, 64, C; discriminator convolutions 64, 128."""
    generator = _generator(config, image_shape, num_labels)
    return generator, _discriminator(config, image_shape, num_labels)


def _generator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    height, width, image_channels = image_shape
    base = (height // 4, width // 4, scaled(256, config.width))
    normalized = config.normalization == "batch"
    model = keras.Sequential([keras.Input((config.latent_dim + num_labels,))], name="generator")
    model.add(layers.Dense(base[0] * base[1] * base[2], use_bias=not normalized))
    _activate(model, config)
    model.add(layers.Reshape(base))
    for channels, strides in ((128, 1), (64, 2)):
        count = scaled(channels, config.width)
        add_transposed_convolution(
            model, config, count, 5, strides=strides, use_bias=not normalized
        )
        _activate(model, config)
    add_transposed_convolution(
        model,
        config,
        image_channels,
        5,
        use_bias=not normalized,
        activation=config.resolved_output_activation,
        dtype="float32",
    )
    return model


def _activate(model: keras.Sequential, config: TrialConfig) -> None:
    add_normalization(model, config)
    model.add(LeakyReLU(config.leaky_slope))


def _discriminator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    model = keras.Sequential(
        [keras.Input(judged_shape(config, image_shape, num_labels))], name="discriminator"
    )
    for channels in (64, 128):
        count = scaled(channels, discriminator_width(config))
        add_convolution(model, config, count, first=channels == 64)
    add_head(model, config)
    return model
