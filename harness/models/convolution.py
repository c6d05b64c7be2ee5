"""How convolutions are computed: tap by tap, or by frequencies."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from harness.core.config import TrialConfig
from harness.models.layers.cyclic_convolution import Size, num_products
from harness.models.layers.transform_convolution import has_transform, num_blocks

MIN_GAIN = 2.0
"""How many times fewer multiply-adds the transform must take to be chosen (docs/performance.md)."""


class Sizes(NamedTuple):
    """A convolution of padding ``same``, or its transpose, between two kinds of maps.

    The large maps have ``stride`` times as many rows and columns as the small ones, which are
    ``map_size``; both kinds are the same size if ``stride`` is 1. small, large: their channels.
    """

    map_size: Size
    kernel_size: Size
    stride: int
    small: int
    large: int


def uses_transform(config: TrialConfig, sizes: Sizes) -> bool:
    """Whether a layer of these sizes is computed by frequencies.

    What ``convolution`` says; with ``transform`` those with a stride where that takes fewer
    multiply-adds. ``auto`` is a function of the configuration and the kind of device: where the
    transform takes ``MIN_GAIN`` times fewer multiply-adds, on CPUs and in float32, for which it was
    measured.
    """
    if config.convolution == "direct" or not has_transform(sizes.kernel_size, sizes.stride):
        return False
    if config.convolution == "transform":
        return sizes.stride == 1 or gain(sizes, config.batch_size) > 1.0
    if config.precision != "float32" or tf.config.list_physical_devices("GPU"):
        return False
    return gain(sizes, config.batch_size) >= MIN_GAIN


def gain(sizes: Sizes, batch_size: int) -> float:
    """Multiply-adds of the plain convolution for one of the transform.

    The plain one takes H W kh kw C F for an image. With stride 2 the transform has the four phases
    of the large maps as channels, 4 of them for each, and kernels of a tap for each block of 2x2:
    with C and F of these, P products and h w taps it takes P (H W (C + F) + C F), and P h w C F for
    the kernel once a batch.
    """
    positions = sizes.map_size[0] * sizes.map_size[1]
    plain = positions * sizes.kernel_size[0] * sizes.kernel_size[1] * sizes.small * sizes.large
    taps = sizes.kernel_size
    if sizes.stride == 2:
        taps = (num_blocks(taps[0]), num_blocks(taps[1]))
    count = num_products(sizes.map_size, taps, "same")
    large = sizes.stride**2 * sizes.large
    pairs = sizes.small * large * (1 + taps[0] * taps[1] / batch_size)
    return plain / (count * (positions * (sizes.small + large) + pairs))
