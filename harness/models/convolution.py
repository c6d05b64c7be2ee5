"""How the transposed convolutions of stride 1 are computed: tap by tap, or by frequencies."""

from __future__ import annotations

import tensorflow as tf

from harness.core.config import TrialConfig
from harness.models.layers.cyclic_convolution import Size, cyclic_convolution

MIN_GAIN = 3.0
"""How many times fewer multiply-adds the transform must take to be chosen (docs/performance.md)."""


def uses_transform(
    config: TrialConfig, map_size: Size, kernel_size: Size, channels: int, filters: int
) -> bool:
    """Whether a layer of padding ``same`` and these sizes is computed by frequencies.

    What ``convolution`` says; ``auto`` is a function of the configuration and the kind of device:
    where the transform takes ``MIN_GAIN`` times fewer multiply-adds, on CPUs and in float32, for
    which it was measured.
    """
    if config.convolution != "auto":
        return config.convolution == "transform"
    if config.precision != "float32" or tf.config.list_physical_devices("GPU"):
        return False
    return gain(map_size, kernel_size, channels, filters, config.batch_size) >= MIN_GAIN


def gain(map_size: Size, kernel_size: Size, channels: int, filters: int, batch_size: int) -> float:
    """Multiply-adds of the plain convolution for one of the transform, padding ``same``.

    The plain one takes H W kh kw C F for an image; the transform, with P products,
    P (H W C + C F + H W F), and P kh kw C F for the kernel once a batch.
    """
    positions, taps = map_size[0] * map_size[1], kernel_size[0] * kernel_size[1]
    count = cyclic_convolution(map_size, kernel_size, "same").num_products
    pairs = channels * filters
    transform = count * (positions * (channels + filters) + pairs + taps * pairs / batch_size)
    return positions * taps * pairs / transform
