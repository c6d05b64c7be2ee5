"""The two networks and the two optimizers of a trial, built from its configuration and seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.registry import ARCHITECTURES
from harness.core.seeds import derive_seed
from harness.models.architectures import Architecture
from harness.models.discriminator_input import with_input_layers
from harness.models.initialisation import draw_normal
from harness.models.optimizers import make_optimizer

MAX_LABELS = 100  # every class is a plane of its own in the discriminator's input


class Networks(NamedTuple):
    """Generator and discriminator, (N, latent_dim + K) to images and (N, H, W, C + K) to logits.

    Images are (N, H, W, C), logits (N, 1), or one for each pack of images that are judged together.
    K is the number of classes where both are told the label, as one hot (N, K); otherwise 0.
    """

    generator: keras.Model
    discriminator: keras.Model

    def generate(self, noise: tf.Tensor, labels: tf.Tensor, training: bool = True) -> tf.Tensor:
        """Images (N, H, W, C) from noise (N, latent_dim) and labels (N, K)."""
        if labels.shape[-1]:
            noise = tf.concat([noise, labels], axis=-1)
        return self.generator(noise, training=training)

    def judge(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Logits in training mode, of images (N, H, W, C) with labels (N, K).

        Mirza and Osindero 2014; the label is a plane for each class, as in the conditional MNIST
        network of Radford et al. 2015, but at the input alone.
        """
        if labels.shape[-1]:
            shape = tf.concat([tf.shape(images)[:3], [labels.shape[-1]]], axis=0)
            planes = tf.broadcast_to(labels[:, tf.newaxis, tf.newaxis], shape)
            images = tf.concat([images, planes], axis=-1)
        return self.discriminator(images, training=True)


class Optimizers(NamedTuple):
    """One optimizer for each network, built on its trainable variables."""

    generator: keras.Optimizer
    discriminator: keras.Optimizer


def check_supported(config: TrialConfig) -> None:
    """Raise InputError if the architecture of ``config`` cannot build what it asks for.

    Nor what would have no meaning: a penalty on the slope at an image, where the logit of an image
    depends on the whole batch (Gulrajani et al. 2017, section 4).
    """
    architecture: Architecture = ARCHITECTURES.get(config.architecture)
    architecture.check(config)
    if config.penalty != "none" and architecture.discriminator_normalization(config) == "batch":
        raise InputError(
            f"penalty {config.penalty} and batch normalization of the discriminator exclude each "
            f"other (architecture {config.architecture}); "
            "allowed with it: discriminator_normalization = layer, none or spectral"
        )


def num_labels(config: TrialConfig, num_classes: int) -> int:
    """How many label inputs the networks of ``config`` have for a dataset of ``num_classes``.

    Raises InputError if a conditional configuration meets more than ``MAX_LABELS``.
    """
    if config.conditional == "none":
        return 0
    if num_classes > MAX_LABELS:
        raise InputError(
            f"conditional = 'labels' takes datasets of at most {MAX_LABELS} classes, "
            f"this one has {num_classes:,}"
        )
    return num_classes


def build_networks(
    config: TrialConfig, image_shape: tuple[int, int, int], num_classes: int
) -> Networks:
    """The networks of ``config`` with weights that depend on its seed alone.

    Seeds Python's random numbers: Keras draws the seed of every layer from them, and a new
    architecture is then reproducible without its author thinking of it. TensorFlow's global seed is
    left alone: setting it throws away what TensorFlow has optimized of every compiled call.
    """
    check_supported(config)
    architecture: Architecture = ARCHITECTURES.get(config.architecture)
    labels = num_labels(config, num_classes)
    random.seed(derive_seed(config.seed, "weights"))
    with _compute_precision(config.precision):
        generator, discriminator = architecture.build(config, image_shape, labels)
    discriminator = with_input_layers(discriminator, config, image_shape, labels)
    networks = Networks(generator, discriminator)
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
