"""No penalty."""

from __future__ import annotations

import tensorflow as tf

from harness.models.networks import Networks
from harness.models.penalties import Shown, penalty


@penalty(source="Goodfellow et al. 2014")
def none(networks: Networks, real: Shown, fake: Shown, mixing: tf.Tensor | None) -> float:
    """0."""
    return 0.0
