"""The averaged generator: an exponential moving average of the weights over the training steps.

A GAN's weights circle around a good point, so that their average is nearer to it than any of them
(Yazici et al. 2019, "The unusual effectiveness of averaging in GAN training", section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

UPDATES_PER_HORIZON = 10
MAX_STEPS_BETWEEN = 10


class GeneratorAverage:
    """The moving average of a generator's variables, those of batch normalization included.

    It looks back over ``horizon`` steps: after every k-th step,

        average <- d average + (1 - d) weights,  d = min((1 - 1/horizon)^k, (1 + t)/(10 + t))

    with the number of steps so far t, counted from 0, so that the untrained weights are forgotten
    soon (the warm-up of TensorFlow's ExponentialMovingAverage). k is a tenth of the horizon, from 1
    to 10: the update costs as much as reading all weights, and between 10 steps they change little.
    """

    def __init__(self, generator: keras.Model, horizon: float) -> None:
        """Begin with the generator's values now; ``horizon`` in steps, 1 or less is no average."""
        self._sources = [v for v in generator.variables if keras.backend.is_float_dtype(v.dtype)]
        self.variables = [keras.Variable(source, trainable=False) for source in self._sources]
        horizon = max(horizon, 1.0)
        self._every = max(1, min(MAX_STEPS_BETWEEN, round(horizon / UPDATES_PER_HORIZON)))
        self._decay = (1.0 - 1.0 / horizon) ** self._every

    def restart(self) -> None:
        """Begin again with the generator's values now."""
        for source, average in zip(self._sources, self.variables, strict=True):
            average.assign(source)

    def update(self, step: tf.Tensor) -> None:
        """Take the weights after ``step``, counted from 0, into the average; inside a graph."""
        tf.cond((step + 1) % self._every == 0, lambda: self._move(step), tf.no_op)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """A context in which the generator's variables have the values of the average."""
        raw = [tf.identity(source.value) for source in self._sources]
        try:
            for source, average in zip(self._sources, self.variables, strict=True):
                source.assign(average)
            yield
        finally:
            for source, value in zip(self._sources, raw, strict=True):
                source.assign(value)

    def _move(self, step: tf.Tensor) -> tf.Operation:
        t = tf.cast(step, tf.float32)
        rate = tf.maximum(1.0 - self._decay, 9.0 / (10.0 + t))
        for source, average in zip(self._sources, self.variables, strict=True):
            average.assign_add(rate * (source.value - average.value))
        return tf.no_op()
