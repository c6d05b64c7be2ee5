"""Packing: several images are judged together, as the channels of one."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class Pack(keras.layers.Layer):  # type: ignore[misc]  # untyped
    """Maps (N, H, W, C) to (N / packing, H, W, packing C): images in a row become channels.

    Lin et al. 2018 (PacGAN), section 1.1. N is a multiple of ``packing``.
    """

    def __init__(self, packing: int, **options: Any) -> None:
        """Pack so many images together."""
        super().__init__(**options)
        self.packing = packing

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The packs of ``inputs``."""
        height, width, channels = inputs.shape[1:]
        packs = tf.reshape(inputs, [-1, self.packing, height, width, channels])
        packs = tf.transpose(packs, [0, 2, 3, 1, 4])
        return tf.reshape(packs, [-1, height, width, self.packing * channels])
