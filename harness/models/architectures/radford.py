"""The all-convolutional networks of Radford et al. 2015, cut to 28x28 images.

The paper makes 64x64 images from 4x4 maps in four steps of stride 2. Here are its first layer and
three steps, one channel count fewer: 512, 256, 128, and the image; 7x7 lies between 4x4 and 14x14
and has one row and column less than twice 4x4.

As in the authors' code there are no biases beside those of batch normalization; without it every
layer has one. Deviations: dropout after the discriminator's activations (there none: dropout = 0),
moving averages for generation (there the batch's own), no weight decay.
"""

from __future__ import annotations

import keras
from keras import layers

from harness.core.config import CHOICES, TrialConfig
from harness.models.architectures import architecture
from harness.models.architectures._blocks import (
    add_convolution,
    add_cropped_transposed_convolution,
    add_head,
    add_normalization,
    discriminator_width,
    halvings,
    replaces_biases,
    scaled,
)
from harness.models.discriminator_input import judged_shape

MOMENTUM = 0.9  # of the moving averages; short budgets leave Keras's 0.99 near its start


@architecture(
    source="Radford et al. 2015, section 3 and figure 1",
    supports={
        "normalization": ("batch", "none"),
        "downsampling": ("strided", "pooled"),
        "head": ("dense", "gap"),
        "convolution": CHOICES["convolution"],
        "discriminator_normalization": CHOICES["discriminator_normalization"],
        "minibatch_std": CHOICES["minibatch_std"],
    },
    initialisation="normal",
    normalizes_discriminator=True,
)
def radford(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> tuple[keras.Model, keras.Model]:
    """Projection to 4x4x512, transposed convolutions 256, 128, C; discriminator 128 to 512.

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
    channels = scaled(512, config.width)
    model = keras.Sequential([keras.Input((config.latent_dim + num_labels,))], name="generator")
    model.add(layers.Dense(base[0] * base[1] * channels, use_bias=use_bias))
    add_normalization(model, config, MOMENTUM)
    model.add(layers.ReLU())
    model.add(layers.Reshape((*base, channels)))
    for count, size in zip((256, 128), sizes[:-1], strict=True):
        count = scaled(count, config.width)
        add_cropped_transposed_convolution(model, config, count, 5, size, use_bias=use_bias)
        add_normalization(model, config, MOMENTUM)
        model.add(layers.ReLU())
    add_cropped_transposed_convolution(
        model,
        config,
        image_channels,
        5,
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
    for channels in (128, 256, 512):
        count = scaled(channels, discriminator_width(config))
        add_convolution(model, config, count, first=channels == 128, use_bias=use_bias)
    add_head(model, config, use_bias)
    return model
