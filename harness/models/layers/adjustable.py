"""LeakyReLU and Dropout whose numbers can change after they were compiled.

Keras compiles slope and rate as constants. Here they are variables, which are no weights: they
stand in no list of variables and in no file. The results are Keras's bit for bit in float32.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class Adjustable:
    """A layer with settings that ``adjust`` can change."""

    def fixed_config(self) -> dict[str, Any]:
        """What stands in the configuration of the layer and ``adjust`` cannot change."""
        raise NotImplementedError

    def adjust(self, other: Any) -> None:
        """Take over the settings of ``other``, whose ``fixed_config`` is the same."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="harness")
class LeakyReLU(Adjustable, keras.layers.LeakyReLU):  # type: ignore[misc]  # Keras is untyped
    """Keras's LeakyReLU, for slopes in [0, 1]."""

    negative_slope: float

    def __init__(self, negative_slope: float = 0.3, **options: Any) -> None:
        """Take the arguments of keras.layers.LeakyReLU; ValueError for a slope above 1."""
        super().__init__(negative_slope, **options)
        if negative_slope > 1:
            raise ValueError(f"negative_slope is {negative_slope}; allowed: 0 to 1")
        self._slope = tf.Variable(negative_slope, trainable=False, dtype=tf.float32)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """``inputs`` where they are positive, else ``inputs * negative_slope``."""
        return _leaky_relu(inputs, tf.cast(self._slope, inputs.dtype))

    def fixed_config(self) -> dict[str, Any]:
        """All but the slope."""
        config = self.get_config()
        del config["negative_slope"]
        return config  # type: ignore[no-any-return]

    def adjust(self, other: LeakyReLU) -> None:
        """Take over the slope."""
        self.negative_slope = other.negative_slope
        self._slope.assign(other.negative_slope)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _leaky_relu(x: tf.Tensor, slope: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """``max(x, slope * x)``; at 0 the gradient is the slope, as TensorFlow has it.

    The way back is MulNoNan, since TensorFlow rearranges chains of Mul, which changes rounding.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
        factor = tf.stop_gradient(tf.maximum(tf.sign(x), slope))
        return tf.raw_ops.MulNoNan(x=upstream, y=factor), None

    return tf.maximum(x, slope * x), gradient


@keras.saving.register_keras_serializable(package="harness")
class Dropout(Adjustable, keras.layers.Dropout):  # type: ignore[misc]  # Keras is untyped
    """Keras's Dropout; whether the rate is 0 is fixed, since then there is nothing to draw."""

    rate: float

    def __init__(self, rate: float, **options: Any) -> None:
        """Take the arguments of keras.layers.Dropout.

        ValueError for what is not computed: a rate of 1, a noise_shape.
        """
        super().__init__(rate, **options)
        if rate == 1 or self.noise_shape is not None:
            raise ValueError(
                f"rate is {rate} and noise_shape {self.noise_shape}; allowed: < 1, None"
            )
        # The threshold of the draws, and what makes up for the zeros.
        self._numbers = tf.Variable([rate, 1 / (1 - rate)], trainable=False, dtype=tf.float32)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """``inputs`` with a share of ``rate`` set to 0, in training mode, the rest scaled up."""
        if not training or self.rate == 0:
            return inputs
        rate, scale = tf.unstack(tf.cast(self._numbers, inputs.dtype))
        seed = tf.cast(tf.math.floormod(self.seed_generator.next(), tf.int32.max - 1), tf.int32)
        drawn = tf.random.stateless_uniform(tf.shape(inputs), seed, dtype=inputs.dtype)
        return tf.where(drawn >= rate, inputs * scale, tf.zeros([], inputs.dtype))

    def fixed_config(self) -> dict[str, Any]:
        """All but the rate, and whether that is 0."""
        return {**self.get_config(), "rate": self.rate > 0}

    def adjust(self, other: Dropout) -> None:
        """Take over the rate."""
        self.rate = other.rate
        self._numbers.assign([other.rate, 1 / (1 - other.rate)])
