"""The DCGAN of PyTorch's examples, without any dense layer, with the kernels that 28x28 needs.

The latent vector is a 1x1 map; transposed convolutions take it to 4x4, 7x7, 14x14 and 28x28. The
discriminator is their mirror: its last convolution covers the whole 4x4 map and gives the logit.

Without batch normalization every layer gets the bias that it would have replaced. Deviations:
dropout after the discriminator's activations (there none: dropout = 0).
"""

from __future__ import annotations

import keras
from keras import layers

from harness.core.config import CHOICES, TrialConfig
from harness.models.architectures import architecture
from harness.models.architectures._blocks import (
    add_convolution,
    add_cropped_transposed_convolution,
    add_minibatch_std,
    add_normalization,
    discriminator_width,
    halvings,
    replaces_biases,
    scaled,
    weighted,
)
from harness.models.discriminator_input import judged_shape

MOMENTUM = 0.9  # PyTorch's default, which counts the other way: 0.1
KERNELS = (3, 4, 4)  # 3 between 4x4 and 7x7, where 4 would leave unequal padding


@architecture(
    source="PyTorch tutorials, 'DCGAN Tutorial' (N. Inkawhich), with kernels for 28x28",
    supports={
        "normalization": ("batch", "none"),
        "downsampling": ("strided", "pooled"),
        "head": ("dense",),
        "convolution": CHOICES["convolution"],
        "discriminator_normalization": CHOICES["discriminator_normalization"],
        "minibatch_std": CHOICES["minibatch_std"],
    },
    initialisation="normal",
    normalizes_discriminator=True,
)
def latent_conv(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> tuple[keras.Model, keras.Model]:
    """Transposed convolutions 256, 128, 64, C from 1x1; discriminator convolutions 64 to 256, 1.

    Batch normalization in both, except at the generator's output and the discriminator's input;
    ReLU in the generator, whatever the slope, LeakyReLU in the discriminator.
    """
    generator = _generator(config, image_shape, num_labels)
    return generator, _discriminator(config, image_shape, num_labels)


def _generator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    height, width, image_channels = image_shape
    use_bias = config.normalization == "none"
    base, *sizes = zip(halvings(height, 3), halvings(width, 3), strict=True)
    model = keras.Sequential([keras.Input((config.latent_dim + num_labels,))], name="generator")
    model.add(layers.Reshape((1, 1, config.latent_dim + num_labels)))
    model.add(layers.Conv2DTranspose(scaled(256, config.width), base, use_bias=use_bias))
    add_normalization(model, config, MOMENTUM)
    model.add(layers.ReLU())
    for channels, kernel, size in zip((128, 64), KERNELS[:-1], sizes[:-1], strict=True):
        count = scaled(channels, config.width)
        add_cropped_transposed_convolution(model, config, count, kernel, size, use_bias=use_bias)
        add_normalization(model, config, MOMENTUM)
        model.add(layers.ReLU())
    add_cropped_transposed_convolution(
        model,
        config,
        image_channels,
        KERNELS[-1],
        sizes[-1],
        use_bias=use_bias,
        activation=config.resolved_output_activation,
        dtype="float32",
    )
    return model


def _discriminator(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> keras.Model:
    use_bias = not replaces_biases(config)
    model = keras.Sequential(
        [keras.Input(judged_shape(config, image_shape, num_labels))], name="discriminator"
    )
    for channels, kernel in zip((64, 128, 256), reversed(KERNELS), strict=True):
        count = scaled(channels, discriminator_width(config))
        add_convolution(
            model, config, count, kernel=kernel, first=channels == 64, use_bias=use_bias
        )
    add_minibatch_std(model, config)
    size = model.output_shape[1:3]
    model.add(weighted(layers.Conv2D(1, size, use_bias=use_bias, dtype="float32"), config))
    model.add(layers.Flatten(dtype="float32"))
    return model
