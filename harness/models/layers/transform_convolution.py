"""Keras's Conv2D and Conv2DTranspose, computed as a product of frequencies.

A convolution of stride 2 is one of stride 1 whose channels are the four phases of the large maps:
the pixels of even or odd rows and columns (Shi et al. 2016, section 3.2). Its kernel has a tap for
each block of 2x2 that the plain kernel touches.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from harness.models.layers.cyclic_convolution import Size, cyclic_convolution


def has_transform(kernel_size: Size, stride: int) -> bool:
    """Whether layers of such kernels are computed by frequencies, padding ``same``.

    Strides of 1, and of 2 for kernels that touch an odd number of blocks, which lie evenly around
    the middle one.
    """
    return stride == 1 or (stride == 2 and all(num_blocks(size) % 2 for size in kernel_size))


def num_blocks(kernel_size: int) -> int:
    """How many blocks of two pixels a kernel of so many taps touches, stride 2, padding ``same``.

    The first tap lies (kernel_size - 2) // 2 pixels before the first of a block.
    """
    before = max(kernel_size - 2, 0) // 2
    return (before % 2 + kernel_size + 1) // 2


@keras.saving.register_keras_serializable(package="harness")
class TransformConv2D(keras.layers.Conv2D):  # type: ignore[misc]  # Keras is untyped
    """Keras's Conv2D of stride 2 and padding ``same``, of maps with even rows and columns.

    Arguments, variables and their initial values are those of the base class. ValueError for what
    it does not compute.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take the arguments of keras.layers.Conv2D."""
        super().__init__(*args, **options)
        given = (self.strides, self.padding, self.dilation_rate, self.groups, self.data_format)
        allowed = ((2, 2), "same", (1, 1), 1, "channels_last")
        if given != allowed or not has_transform(self.kernel_size, 2):
            raise ValueError(
                "strides, padding, dilation_rate, groups, data_format and kernel_size are "
                f"{(*given, self.kernel_size)}; allowed: {allowed}, kernels of an odd number of "
                "blocks"
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps (N, H / 2, W / 2, filters) of maps (N, H, W, C), with bias and activation."""
        # Against the flipped kernel, with its channels exchanged, a transposed convolution of
        # stride 1 is a convolution.
        kernel = phases_of_kernel(keras.ops.convert_to_tensor(self.kernel))
        kernel = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
        maps = tf.nn.space_to_depth(inputs, 2)
        return _finished(self, transposed_convolution(maps, kernel, "same"))


@keras.saving.register_keras_serializable(package="harness")
class TransformConv2DTranspose(keras.layers.Conv2DTranspose):  # type: ignore[misc]  # untyped
    """Keras's Conv2DTranspose of stride 1, or of stride 2 and padding ``same``.

    Arguments, variables and their initial values are those of the base class. ValueError for what
    it does not compute.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take the arguments of keras.layers.Conv2DTranspose."""
        super().__init__(*args, **options)
        given = (self.dilation_rate, self.output_padding, self.data_format)
        allowed = ((1, 1), None, "channels_last")
        one = self.strides == (1, 1)
        two = (self.strides, self.padding) == ((2, 2), "same") and has_transform(
            self.kernel_size, 2
        )
        if given != allowed or not (one or two):
            raise ValueError(
                "dilation_rate, output_padding, data_format, strides, padding and kernel_size are "
                f"{(*given, self.strides, self.padding, self.kernel_size)}; allowed: {allowed}, "
                "strides of 1, or of 2 with padding same and kernels of an odd number of blocks"
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps (N, H', W', filters) of maps (N, H, W, C), with bias and activation."""
        kernel = keras.ops.convert_to_tensor(self.kernel)
        if self.strides == (1, 1):
            return _finished(self, transposed_convolution(inputs, kernel, self.padding))
        phases = transposed_convolution(inputs, phases_of_kernel(kernel), "same")
        return _finished(self, tf.nn.depth_to_space(phases, 2))


def phases_of_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """The kernel (kh, kw, A, B) as one between phases and maps, (blocks, blocks, 4 A, B).

    A are the channels of the large maps. Taps before and behind the kernel are 0.
    """
    *size, large, small = kernel.shape
    blocks = [num_blocks(length) for length in size]
    front = [max(length - 2, 0) // 2 % 2 for length in size]
    padding = [
        [first, 2 * count - length - first]
        for first, count, length in zip(front, blocks, size, strict=True)
    ]
    padded = tf.pad(kernel, [*padding, [0, 0], [0, 0]])
    padded = tf.reshape(padded, [blocks[0], 2, blocks[1], 2, large, small])
    phases = tf.transpose(padded, [0, 2, 1, 3, 4, 5])  # as space_to_depth orders them
    return tf.reshape(phases, [*blocks, 4 * large, small])


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


def _finished(layer: keras.layers.Layer, outputs: tf.Tensor) -> tf.Tensor:
    """The outputs with the layer's bias and activation."""
    if layer.use_bias:
        outputs = tf.nn.bias_add(outputs, keras.ops.convert_to_tensor(layer.bias))
    return outputs if layer.activation is None else layer.activation(outputs)
