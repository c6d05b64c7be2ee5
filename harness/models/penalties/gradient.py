"""The gradient penalty: slopes of 1 between real images and fakes."""

from __future__ import annotations

import tensorflow as tf

from harness.models.networks import Networks
from harness.models.penalties import Shown, penalty, squared_slopes

_SMALLEST = 1e-12
"""Added to squared slopes, since the root has no gradient at 0."""


@penalty(source="Gulrajani et al. 2017, equation 3", mixes=True)
def gradient(networks: Networks, real: Shown, fake: Shown, mixing: tf.Tensor) -> tf.Tensor:
    """mean (|grad D(x)| - 1)^2 at x = m real + (1 - m) fake, Gulrajani et al. 2017, equation 3.

    mixing: the m of each image, (N,). Labels are mixed as their images are. Scalar; 0 for slopes of
    1. The paper's weight is 10.
    """
    between = Shown(*(_mixed(a, b, mixing) for a, b in zip(real, fake, strict=True)))
    slopes = tf.sqrt(squared_slopes(networks, between) + _SMALLEST)
    return tf.reduce_mean(tf.square(slopes - 1.0))


def _mixed(a: tf.Tensor, b: tf.Tensor, mixing: tf.Tensor) -> tf.Tensor:
    """Rows of ``a`` and ``b`` in the shares ``mixing`` and the rest."""
    share = tf.reshape(mixing, [-1] + [1] * (len(a.shape) - 1))
    return share * a + (1.0 - share) * b
