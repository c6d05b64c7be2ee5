"""Minibatch standard deviation: the discriminator is told how much the images of a batch differ."""

from __future__ import annotations

import keras
import tensorflow as tf

_SMALLEST = 1e-8
"""Added to variances, since the root has no gradient at 0."""


class MinibatchStd(keras.layers.Layer):  # type: ignore[misc]  # untyped
    """Appends a channel, or a unit, that is the mean standard deviation of all the others.

    The deviation of every value over the batch, averaged over places and channels to one number for
    the whole batch. Karras et al. 2018, section 3. Inputs (N, ..., C); outputs (N, ..., C + 1).
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The inputs with that channel, computed in float32 at least."""
        values = tf.cast(inputs, tf.float64 if inputs.dtype == tf.float64 else tf.float32)
        centered = values - tf.reduce_mean(values, axis=0, keepdims=True)
        variance = tf.reduce_mean(tf.square(centered), axis=0)
        deviation = tf.cast(tf.reduce_mean(tf.sqrt(variance + _SMALLEST)), inputs.dtype)
        return tf.concat([inputs, deviation * tf.ones_like(inputs[..., :1])], axis=-1)
