"""The updates that several procedures are made of: one network alone, the other one fixed."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from harness.models.game import Game
from harness.models.networks import Networks, Optimizers
from harness.models.penalties import Shown
from harness.training.procedures import Batch


class Judged(NamedTuple):
    """The discriminator's loss without its penalty, and its logits (N, 1), before an update."""

    d_loss: tf.Tensor
    real_logits: tf.Tensor
    fake_logits: tf.Tensor


def update_discriminator(
    networks: Networks, optimizers: Optimizers, game: Game, batch: Batch
) -> Judged:
    """Update the discriminator on a real batch and on fakes, which it sees one after the other."""
    fake_images = networks.generate(batch.noise[0], batch.fake_labels[0])
    with tf.GradientTape() as tape:
        real_logits = networks.judge(batch.real_images, batch.real_labels)
        fake_logits = networks.judge(fake_images, batch.fake_labels[0])
        d_loss = game.d_loss(real_logits, fake_logits)
        minimised = d_loss + penalty_of(networks, game, batch, fake_images)
    variables = networks.discriminator.trainable_variables
    optimizers.discriminator.apply(tape.gradient(minimised, variables), variables)
    return Judged(d_loss, real_logits, fake_logits)


def penalty_of(
    networks: Networks, game: Game, batch: Batch, fake_images: tf.Tensor
) -> tf.Tensor | float:
    """The weighted penalty at the real images of ``batch`` and at ``fake_images``, a scalar."""
    real = Shown(batch.real_images, batch.real_labels)
    return game.d_penalty(networks, real, Shown(fake_images, batch.fake_labels[0]), batch.mixing)


def update_generator(
    networks: Networks, optimizers: Optimizers, game: Game, batch: Batch, index: int
) -> tf.Tensor:
    """Update the generator on noise number ``index`` of ``batch``; its loss before, a scalar.

    A paired loss has the discriminator judge the real batch beside the fakes.
    """
    noise, labels = batch.noise[index], batch.fake_labels[index]
    with tf.GradientTape() as tape:
        fake_logits = networks.judge(networks.generate(noise, labels), labels)
        real_logits = None
        if game.loss.paired:
            real_logits = networks.judge(batch.real_images, batch.real_labels)
        g_loss = game.g_loss(real_logits, fake_logits)
    variables = networks.generator.trainable_variables
    optimizers.generator.apply(tape.gradient(g_loss, variables), variables)
    return g_loss
