"""Layer normalization of whole images, with the right gradients of gradients."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

EPSILON = 1e-3  # Keras's default


class LayerNormalization(keras.layers.Layer):  # type: ignore[misc]  # untyped
    """(x - mean) / sqrt(variance + 1e-3) over all values of an image, then a scale and a shift.

    Ba et al. 2016, equations 3 and 4; scale and shift belong to channels, as Gulrajani et al. 2017
    have them. Inputs (N, ..., C). Mean and variance are written out: tf.nn.moments, which the
    layers of Keras use, stops a gradient inside, so that gradients of gradients come out wrong.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make scale and shift, (C,)."""
        self.gamma = self.add_weight(shape=input_shape[-1:], initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=input_shape[-1:], initializer="zeros", name="beta")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The normalized maps, in the type of ``inputs``; computed in float32 at least."""
        values = tf.cast(inputs, tf.float64 if inputs.dtype == tf.float64 else tf.float32)
        axes = list(range(1, len(inputs.shape)))
        centered = values - tf.reduce_mean(values, axis=axes, keepdims=True)
        variance = tf.reduce_mean(tf.square(centered), axis=axes, keepdims=True)
        gamma, beta = (
            tf.cast(keras.ops.convert_to_tensor(v), values.dtype) for v in (self.gamma, self.beta)
        )
        return tf.cast(centered * tf.math.rsqrt(variance + EPSILON) * gamma + beta, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """That of the inputs."""
        return input_shape
