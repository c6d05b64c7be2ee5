"""Every random number of training: a function of a key, which the seed gives, and a position."""

from __future__ import annotations

from typing import TypeAlias

import tensorflow as tf

Position: TypeAlias = int | tf.Tensor
"""The number of a step, of an epoch, or of a batch of generated images."""


def latents(distribution: str, shape: list[int], key: tf.Tensor, position: Position) -> tf.Tensor:
    """Noise of ``shape``, float32: standard normal, or uniform in [-1, 1)."""
    seed = tf.stack([key, position])
    if distribution == "uniform":
        return tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
    return tf.random.stateless_normal(shape, seed)


def labels_of(labels: tf.Tensor, shape: list[int], key: tf.Tensor, position: Position) -> tf.Tensor:
    """Of the training images' ``labels`` (N,), as many as ``shape``, drawn with replacement."""
    seed = tf.stack([key, position])
    rows = tf.random.stateless_uniform(shape, seed, 0, labels.shape[0], tf.int32)
    return tf.gather(labels, rows)


def epoch_orders(size: int, count: int, key: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
    """The shuffled row numbers of ``count`` epochs of ``size`` images in a row, from ``first`` on.

    int32 (count * size,).
    """

    def shuffle(epoch: tf.Tensor) -> tf.Tensor:
        return tf.argsort(tf.random.stateless_uniform([size], tf.stack([key, epoch])))

    orders = tf.map_fn(shuffle, first + tf.range(count), fn_output_signature=tf.int32)
    return tf.reshape(orders, [count * size])
