"""Keras's Conv2DTranspose of stride 1, computed as a product of frequencies."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from harness.models.layers.cyclic_convolution import cyclic_convolution


@keras.saving.register_keras_serializable(package="harness")
class TransformConv2DTranspose(keras.layers.Conv2DTranspose):  # type: ignore[misc]  # untyped
    """Keras's Conv2DTranspose, computed by ``transposed_convolution``.

    Arguments, variables and their initial values are those of the base class. ValueError for what
    it does not compute: strides, dilation, output_padding, channels before rows.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take the arguments of keras.layers.Conv2DTranspose."""
        super().__init__(*args, **options)
        given = (self.strides, self.dilation_rate, self.output_padding, self.data_format)
        if given != ((1, 1), (1, 1), None, "channels_last"):
            raise ValueError(
                f"strides, dilation_rate, output_padding and data_format are {given}; "
                "allowed: (1, 1), (1, 1), None, 'channels_last'"
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps (N, H', W', filters) of maps (N, H, W, C), with bias and activation."""
        kernel = keras.ops.convert_to_tensor(self.kernel)
        outputs = transposed_convolution(inputs, kernel, self.padding)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, keras.ops.convert_to_tensor(self.bias))
        return outputs if self.activation is None else self.activation(outputs)


def transposed_convolution(maps: tf.Tensor, kernel: tf.Tensor, padding: str) -> tf.Tensor:
    """The transposed convolution, stride 1, of maps (N, H, W, C) with a kernel (kh, kw, F, C).

    (N, H', W', F) in the type of the maps, padded as Keras's Conv2DTranspose pads ``same`` and
    ``valid``. Computed in float64 if the maps are, else in float32: the way back subtracts
    numbers of nearly the same size, for which bfloat16 has too few digits.

    Positions and frequencies are the first axis throughout, so that both transforms are one product
    of matrices for all images and channels, and the products are a batch of matrices.
    """
    dtype = tf.float64 if maps.dtype == tf.float64 else tf.float32
    height, width, channels = maps.shape[1:]
    *kernel_size, filters, _ = kernel.shape
    matrices = cyclic_convolution((height, width), tuple(kernel_size), padding)
    count = matrices.num_products

    positions = tf.reshape(tf.cast(maps, dtype), [-1, height * width, channels])
    positions = tf.reshape(tf.transpose(positions, [1, 0, 2]), [height * width, -1])
    inputs = tf.reshape(tf.constant(matrices.input, dtype) @ positions, [count, -1, channels])
    taps = tf.reshape(tf.cast(kernel, dtype), [-1, filters * channels])
    weights = tf.reshape(tf.constant(matrices.kernel, dtype) @ taps, [count, filters, channels])
    products = tf.reshape(tf.matmul(inputs, weights, transpose_b=True), [count, -1])
    outputs = tf.reshape(
        tf.constant(matrices.output, dtype) @ products, [len(matrices.output), -1, filters]
    )
    outputs = tf.reshape(tf.transpose(outputs, [1, 0, 2]), [-1, *matrices.output_size, filters])
    return tf.cast(outputs, maps.dtype)
