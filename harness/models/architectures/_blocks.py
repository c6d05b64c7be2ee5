"""The layers that several architectures are made of. They append to a model and return nothing."""

from __future__ import annotations

import keras
from keras import layers

from harness.core.config import TrialConfig
from harness.models.convolution import Sizes, uses_transform
from harness.models.layers.adjustable import Dropout, LeakyReLU
from harness.models.layers.layer_normalization import LayerNormalization
from harness.models.layers.minibatch_std import MinibatchStd
from harness.models.layers.transform_convolution import (
    TransformConv2D,
    TransformConv2DTranspose,
)


def scaled(count: int, width: float) -> int:
    """``count`` channels or units, times ``width``; at least 1."""
    return max(1, round(width * count))


def discriminator_width(config: TrialConfig) -> float:
    """The channel multiplier of the discriminator."""
    return config.width * config.discriminator_width_ratio


def halvings(size: int, times: int) -> list[int]:
    """``times`` + 1 lengths, rising to ``size``: what strides of 2 leave of it, rounded up."""
    lengths = [size]
    for _ in range(times):
        lengths.insert(0, -(-lengths[0] // 2))
    return lengths


def add_normalization(model: keras.Sequential, config: TrialConfig, momentum: float = 0.99) -> None:
    """Append batch normalization, where asked for; ``momentum``: of its moving averages."""
    if config.normalization == "batch":
        model.add(layers.BatchNormalization(momentum=momentum))


def replaces_biases(config: TrialConfig) -> bool:
    """Whether the normalization of the discriminator has shifts, in place of biases before it."""
    return config.discriminator_normalization in ("batch", "layer")


def weighted(layer: layers.Layer, config: TrialConfig) -> layers.Layer:
    """A layer of the discriminator, its kernel kept at a largest singular value of 1 if asked for.

    Miyato et al. 2018, algorithm 1, as Keras has it: every pass in training mode divides the kernel
    itself by its estimate of that value, where the paper divides a copy. In float32, since the
    kernel that is written back would be rounded otherwise.
    """
    if config.discriminator_normalization == "spectral":
        return layers.SpectralNormalization(layer, dtype="float32")
    return layer


def add_discriminator_normalization(model: keras.Sequential, config: TrialConfig) -> None:
    """Append the normalization of a discriminator's maps or units, where asked for."""
    if config.discriminator_normalization == "batch":
        model.add(layers.BatchNormalization(momentum=0.9))
    elif config.discriminator_normalization == "layer":
        model.add(LayerNormalization())


def add_minibatch_std(model: keras.Sequential, config: TrialConfig) -> None:
    """Append the minibatch standard deviation to the discriminator's last maps, if asked for."""
    if config.minibatch_std == "batch":
        model.add(MinibatchStd())


def add_convolution(
    model: keras.Sequential,
    config: TrialConfig,
    channels: int,
    *,
    kernel: int = 5,
    strides: int = 2,
    first: bool = False,
    use_bias: bool = True,
) -> None:
    """Append a discriminator's convolution, normalization, LeakyReLU and dropout.

    Maps shrink by ``strides``, rounded up: by the convolution itself, or by maximum pooling after
    LeakyReLU where ``config`` asks for that. ``first``: what sees the image has no batch or layer
    normalization (Radford et al. 2015, section 3); where it has one, the convolution has no bias.
    """
    pooled = config.downsampling == "pooled" and strides > 1
    own_strides = 1 if pooled else strides
    biased = use_bias and (first or not replaces_biases(config))
    halves = own_strides == 2 and not first
    transform = halves and _halves_by_transform(model, config, channels, kernel)
    kind = TransformConv2D if transform else layers.Conv2D
    model.add(weighted(kind(channels, kernel, own_strides, "same", use_bias=biased), config))
    if not first:
        add_discriminator_normalization(model, config)
    model.add(LeakyReLU(config.leaky_slope))
    if pooled:
        model.add(layers.MaxPooling2D(strides, padding="same"))
    model.add(Dropout(config.dropout))


def _halves_by_transform(
    model: keras.Sequential, config: TrialConfig, channels: int, kernel: int
) -> bool:
    """Whether the next convolution, of stride 2, is computed by frequencies: even maps alone."""
    height, width, before = model.output_shape[1:]
    sizes = Sizes((height // 2, width // 2), (kernel, kernel), 2, channels, before)
    return height % 2 == 0 and width % 2 == 0 and uses_transform(config, sizes)


def add_head(model: keras.Sequential, config: TrialConfig, use_bias: bool = True) -> None:
    """Append what makes one logit of the last maps: all of them, or their averages, weighted."""
    add_minibatch_std(model, config)
    model.add(layers.Flatten() if config.head == "dense" else layers.GlobalAveragePooling2D())
    model.add(weighted(layers.Dense(1, use_bias=use_bias, dtype="float32"), config))


def add_transposed_convolution(
    model: keras.Sequential,
    config: TrialConfig,
    channels: int,
    kernel: int,
    *,
    strides: int = 2,
    use_bias: bool = True,
    activation: str | None = None,
    dtype: str | None = None,
) -> None:
    """Append a transposed convolution that makes maps ``strides`` times as large.

    How it is computed is what ``convolution`` of ``config`` says; an architecture that calls this
    or ``add_convolution`` supports all values of that field.
    """
    height, width, before = model.output_shape[1:]
    sizes = Sizes((height, width), (kernel, kernel), strides, before, channels)
    kind = TransformConv2DTranspose if uses_transform(config, sizes) else layers.Conv2DTranspose
    model.add(
        kind(
            *(channels, kernel, strides, "same"),
            use_bias=use_bias,
            activation=activation,
            dtype=dtype,
        )
    )


def add_cropped_transposed_convolution(
    model: keras.Sequential,
    config: TrialConfig,
    channels: int,
    kernel: int,
    size: tuple[int, int],
    *,
    use_bias: bool = True,
    activation: str | None = None,
    dtype: str | None = None,
) -> None:
    """Append the transpose of a strided convolution that takes maps of ``size`` to the last ones.

    Its stride is 2 and ``size`` is twice the last size, or one less: then the first row or column
    is cropped, which for odd kernels leaves equal padding on both sides.
    """
    last = model.output_shape[1:3]
    add_transposed_convolution(
        model, config, channels, kernel, use_bias=use_bias, activation=activation, dtype=dtype
    )
    excess = [2 * before - after for before, after in zip(last, size, strict=True)]
    if any(excess):
        model.add(layers.Cropping2D(tuple((cut, 0) for cut in excess), dtype=dtype))
