"""What images pass on their way to the discriminator: differentiable augmentation, packing."""

from __future__ import annotations

import keras

from harness.core.config import TrialConfig
from harness.models.layers.diff_augment import DiffAugment
from harness.models.layers.pack import Pack


def judged_shape(
    config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
) -> tuple[int, int, int]:
    """(H, W, C) of what a discriminator is built for: images and a plane for each label, packed."""
    height, width, channels = image_shape
    return height, width, config.packing * (channels + num_labels)


def with_input_layers(
    discriminator: keras.Model,
    config: TrialConfig,
    image_shape: tuple[int, int, int],
    num_labels: int,
) -> keras.Model:
    """``discriminator`` behind the layers that ``config`` asks for; itself if there are none.

    It takes images one by one, (N, H, W, C + num_labels), and gives a logit for each pack.
    """
    layers: list[keras.layers.Layer] = []
    if config.augmentation == "diffaugment":
        layers.append(DiffAugment(num_labels, 2.0 if config.pixel_scaling == "centered" else 1.0))
    if config.packing > 1:
        layers.append(Pack(config.packing))
    if not layers:
        return discriminator
    height, width, channels = image_shape
    first = keras.Input((height, width, channels + num_labels))
    return keras.Sequential([first, *layers, discriminator])
