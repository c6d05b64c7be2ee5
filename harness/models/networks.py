"""The two networks and the two optimizers of a trial, built from its configuration and seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np

from harness.core.config import TrialConfig
from harness.core.registry import ARCHITECTURES
from harness.core.seeds import derive_seed
from harness.models.architectures import Architecture
from harness.models.initialisation import draw_normal
from harness.models.optimizers import make_optimizer


class Networks(NamedTuple):
    """Generator (N, latent_dim) -> (N, H, W, C); discriminator (N, H, W, C) -> logits (N, 1)."""

    generator: keras.Model
    discriminator: keras.Model


class Optimizers(NamedTuple):
    """One optimizer for each network, built on its trainable variables."""

    generator: keras.Optimizer
    discriminator: keras.Optimizer


def check_supported(config: TrialConfig) -> None:
    """Raise InputError if the architecture of ``config`` cannot build what it asks for."""
    ARCHITECTURES.get(config.architecture).check(config)


def build_networks(config: TrialConfig, image_shape: tuple[int, int, int]) -> Networks:
    """The networks of ``config`` with weights that depend on its seed alone.

    Sets the global seeds of Python, numpy and TensorFlow: Keras draws the seed of every layer from
    them, and a new architecture is then reproducible without its author thinking of it.
    """
    check_supported(config)
    architecture: Architecture = ARCHITECTURES.get(config.architecture)
    keras.utils.set_random_seed(derive_seed(config.seed, "weights"))
    with _compute_precision(config.precision):
        networks = Networks(*architecture.build(config, image_shape))
    method = config.initialisation
    if (architecture.initialisation if method == "auto" else method) == "normal":
        draw_normal(networks, np.random.default_rng(derive_seed(config.seed, "initialisation")))
    return networks


def build_optimizers(config: TrialConfig, networks: Networks) -> Optimizers:
    """The optimizers of ``config``; the discriminator's learning rate is the ratio times larger."""
    ratio = config.discriminator_learning_rate_ratio
    optimizers = Optimizers(
        make_optimizer(config.optimizer, config.learning_rate, config.beta_1),
        make_optimizer(config.optimizer, config.learning_rate * ratio, config.beta_1),
    )
    for optimizer, network in zip(optimizers, networks, strict=True):
        optimizer.build(network.trainable_variables)
    return optimizers


@contextmanager
def _compute_precision(precision: str) -> Iterator[None]:
    """Layers built inside compute in ``precision``; their variables stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
