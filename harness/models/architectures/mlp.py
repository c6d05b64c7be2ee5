"""The plain GAN: fully connected layers alone, in the sizes of the well-known Keras example.

Deviations: logits and no sigmoid in the discriminator; dropout after its activations (there none:
dropout = 0).
"""

from __future__ import annotations

import math

import keras
from keras import layers

from harness.core.config import CHOICES, TrialConfig
from harness.models.architectures import architecture
from harness.models.architectures._blocks import (
    add_discriminator_normalization,
    add_minibatch_std,
    add_normalization,
    discriminator_width,
    replaces_biases,
    scaled,
    weighted,
)
from harness.models.discriminator_input import judged_shape
from harness.models.layers.adjustable import Dropout, LeakyReLU

MOMENTUM = 0.8  # of batch normalization, as published


@architecture(
    source="Goodfellow et al. 2014, in the sizes of Keras-GAN's gan.py (E. Linder-Noren, 2017)",
    supports={
        "normalization": ("batch", "none"),
        "downsampling": ("strided",),
        "head": ("dense",),
        "discriminator_normalization": CHOICES["discriminator_normalization"],
        "minibatch_std": CHOICES["minibatch_std"],
    },
)
def mlp(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> tuple[keras.Model, keras.Model]:
    """Dense layers 256, 512, 1024 and the pixels; discriminator 512, 256; LeakyReLU in both.

    Batch normalization after the generator's activations, as published; the discriminator has none.
    """
    generator = _generator(config, image_shape, num_labels)
    return generator, _discriminator(config, image_shape, num_labels)


def _generator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    model = keras.Sequential([keras.Input((config.latent_dim + num_labels,))], name="generator")
    for units in (256, 512, 1024):
        model.add(layers.Dense(scaled(units, config.width)))
        model.add(LeakyReLU(config.leaky_slope))
        add_normalization(model, config, MOMENTUM)
    activation = config.resolved_output_activation
    model.add(layers.Dense(math.prod(image_shape), activation=activation, dtype="float32"))
    model.add(layers.Reshape(image_shape, dtype="float32"))
    return model


def _discriminator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    model = keras.Sequential(
        [keras.Input(judged_shape(config, image_shape, num_labels)), layers.Flatten()],
        name="discriminator",
    )
    for units, first in ((512, True), (256, False)):
        biased = first or not replaces_biases(config)
        dense = layers.Dense(scaled(units, discriminator_width(config)), use_bias=biased)
        model.add(weighted(dense, config))
        if not first:
            add_discriminator_normalization(model, config)
        model.add(LeakyReLU(config.leaky_slope))
        model.add(Dropout(config.dropout))
    add_minibatch_std(model, config)
    model.add(weighted(layers.Dense(1, dtype="float32"), config))
    return model
