"""Weights drawn anew from normal distributions, in place of those that Keras drew."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np

STANDARD_DEVIATION = 0.02  # Radford et al. 2015, section 4


def draw_normal(networks: Iterable[keras.Model], rng: np.random.Generator) -> None:
    """Draw all kernels from N(0, 0.02) and all scales of batch normalization from N(1, 0.02).

    Radford et al. 2015, section 4, for the kernels; the scales follow the authors' code. Biases
    and shifts stay 0, where Keras starts them.
    """
    means = {"kernel": 0.0, "gamma": 1.0}
    for network in networks:
        for variable in network.trainable_variables:
            if variable.name in means:
                mean = means[variable.name]
                variable.assign(rng.normal(mean, STANDARD_DEVIATION, variable.shape))
