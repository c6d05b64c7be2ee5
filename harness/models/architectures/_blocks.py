"""The layers that several architectures are made of. They append to a model and return nothing."""

from __future__ import annotations

import keras
from keras import layers

from harness.core.config import TrialConfig
from harness.models.convolution import uses_transform
from harness.models.layers.transform_convolution import TransformConv2DTranspose


def scaled(count: int, width: float) -> int:
    """``count`` channels or units, times ``width``; at least 1."""
    return max(1, round(width * count))


def discriminator_width(config: TrialConfig) -> float:
    """The channel multiplier of the discriminator."""
    return config.width * config.discriminator_width_ratio


def labelled_shape(image_shape: tuple[int, int, int], num_labels: int) -> tuple[int, int, int]:
    """(H, W, C) of what the discriminator sees: the image and a plane for each label."""
    height, width, channels = image_shape
    return height, width, channels + num_labels


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


def add_convolution(
    model: keras.Sequential,
    config: TrialConfig,
    channels: int,
    *,
    kernel: int = 5,
    strides: int = 2,
    normalized: bool = False,
    use_bias: bool = True,
) -> None:
    """Append a discriminator's convolution, LeakyReLU and dropout.

    Maps shrink by ``strides``, rounded up: by the convolution itself, or by maximum pooling after
    LeakyReLU where ``config`` asks for that. ``normalized``: with batch normalization, if
    ``config`` asks for it.
    """
    pooled = config.downsampling == "pooled" and strides > 1
    own_strides = 1 if pooled else strides
    model.add(layers.Conv2D(channels, kernel, own_strides, "same", use_bias=use_bias))
    if normalized:
        add_normalization(model, config, momentum=0.9)
    model.add(layers.LeakyReLU(config.leaky_slope))
    if pooled:
        model.add(layers.MaxPooling2D(strides, padding="same"))
    model.add(layers.Dropout(config.dropout))


def add_head(model: keras.Sequential, config: TrialConfig, use_bias: bool = True) -> None:
    """Append what makes one logit of the last maps: all of them, or their averages, weighted."""
    model.add(layers.Flatten() if config.head == "dense" else layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1, use_bias=use_bias, dtype="float32"))


def add_transposed_convolution(
    model: keras.Sequential,
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
    model.add(
        layers.Conv2DTranspose(
            channels, kernel, 2, "same", use_bias=use_bias, activation=activation, dtype=dtype
        )
    )
    excess = [2 * before - after for before, after in zip(last, size, strict=True)]
    if any(excess):
        model.add(layers.Cropping2D(tuple((cut, 0) for cut in excess), dtype=dtype))


def add_unstrided_transposed_convolution(
    model: keras.Sequential,
    config: TrialConfig,
    channels: int,
    kernel: int,
    *,
    use_bias: bool = True,
    activation: str | None = None,
    dtype: str | None = None,
) -> None:
    """Append a transposed convolution of stride 1 that keeps the size of the maps.

    How it is computed is what ``convolution`` of ``config`` says; an architecture that calls this
    supports all values of that field.
    """
    height, width, before = model.output_shape[1:]
    transform = uses_transform(config, (height, width), (kernel, kernel), before, channels)
    layer = TransformConv2DTranspose if transform else layers.Conv2DTranspose
    model.add(
        layer(channels, kernel, 1, "same", use_bias=use_bias, activation=activation, dtype=dtype)
    )
