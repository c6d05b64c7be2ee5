"""The networks of the Keras DCGAN that upsamples by repeating pixels (dcgan_mnist).

Deviations: logits and no sigmoid in the discriminator; the dropout rate (there 0.4) and the slope
of the discriminator's LeakyReLU are configured. The generator has ReLU, as there, whatever the
slope. Convolutions keep their biases before batch normalization, as there.
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
from harness.models.layers.adjustable import Dropout

MOMENTUM = 0.9  # of batch normalization, as published


@architecture(
    source="R. Atienza, Deep-Learning-Experiments, dcgan_mnist.py (2017)",
    supports={
        "normalization": ("batch", "none"),
        "downsampling": ("strided", "pooled"),
        "head": ("dense", "gap"),
        "convolution": CHOICES["convolution"],
        "discriminator_normalization": CHOICES["discriminator_normalization"],
        "minibatch_std": CHOICES["minibatch_std"],
    },
)
def upsampling(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> tuple[keras.Model, keras.Model]:
    """Dense 7x7x256, upsampling and convolutions 128, 64, 32, C; discriminator 64 to 512.

    The discriminator has no batch normalization; its maps shrink three times, to 4x4.
    """
    generator = _generator(config, image_shape, num_labels)
    return generator, _discriminator(config, image_shape, num_labels)


def _generator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    height, width, image_channels = image_shape
    base = (height // 4, width // 4, scaled(256, config.width))
    model = keras.Sequential([keras.Input((config.latent_dim + num_labels,))], name="generator")
    model.add(layers.Dense(base[0] * base[1] * base[2]))
    add_normalization(model, config, MOMENTUM)
    model.add(layers.ReLU())
    model.add(layers.Reshape(base))
    model.add(Dropout(config.dropout))
    for channels, upsampled in ((128, True), (64, True), (32, False)):
        if upsampled:
            model.add(layers.UpSampling2D())
        count = scaled(channels, config.width)
        add_transposed_convolution(model, config, count, 5, strides=1)
        add_normalization(model, config, MOMENTUM)
        model.add(layers.ReLU())
    activation = config.resolved_output_activation
    add_transposed_convolution(
        model, config, image_channels, 5, strides=1, activation=activation, dtype="float32"
    )
    return model


def _discriminator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    model = keras.Sequential(
        [keras.Input(judged_shape(config, image_shape, num_labels))], name="discriminator"
    )
    for channels, strides in ((64, 2), (128, 2), (256, 2), (512, 1)):
        count = scaled(channels, discriminator_width(config))
        add_convolution(model, config, count, strides=strides, first=channels == 64)
    add_head(model, config)
    return model
