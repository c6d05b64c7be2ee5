"""R1: slopes of 0 at real images."""

from __future__ import annotations

import tensorflow as tf

from harness.models.networks import Networks
from harness.models.penalties import Shown, penalty, squared_slopes


@penalty(source="Mescheder et al. 2018, equation 9")
def r1(networks: Networks, real: Shown, fake: Shown, mixing: tf.Tensor | None) -> tf.Tensor:
    """1/2 mean |grad D(x)|^2 at real images, Mescheder et al. 2018, equation 9.

    Scalar, from 0. The paper's weight is 10.
    """
    return 0.5 * tf.reduce_mean(squared_slopes(networks, real))
