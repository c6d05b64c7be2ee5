"""R1 and R2: slopes of 0 at real images and at fakes."""

from __future__ import annotations

import tensorflow as tf

from harness.models.networks import Networks
from harness.models.penalties import Shown, penalty, squared_slopes


@penalty(source="Huang et al. 2024 (R3GAN); Mescheder et al. 2018, equations 9 and 10")
def r1_r2(networks: Networks, real: Shown, fake: Shown, mixing: tf.Tensor | None) -> tf.Tensor:
    """1/2 mean |grad D(x)|^2 at real images plus the same at fakes. Scalar, from 0.

    R3GAN has both with one weight, for the relativistic loss.
    """
    at_real, at_fakes = (tf.reduce_mean(squared_slopes(networks, one)) for one in (real, fake))
    return 0.5 * (at_real + at_fakes)
