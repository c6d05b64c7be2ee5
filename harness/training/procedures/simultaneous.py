"""One forward pass, two tapes: both networks are updated from the same fakes and logits."""

from __future__ import annotations

import tensorflow as tf

from harness.models.game import Game
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Batch, Step, procedure
from harness.training.procedures._updates import penalty_of, update_discriminator


@procedure(
    source="TensorFlow tutorials, 'Deep Convolutional Generative Adversarial Network'",
    d_step=update_discriminator,
)
def simultaneous(networks: Networks, optimizers: Optimizers, game: Game, batch: Batch) -> Step:
    """Update both networks with the gradients at the same point."""
    generator, discriminator = networks
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake_images = networks.generate(batch.noise[0], batch.fake_labels[0])
        real_logits = networks.judge(batch.real_images, batch.real_labels)
        fake_logits = networks.judge(fake_images, batch.fake_labels[0])
        d_loss = game.d_loss(real_logits, fake_logits)
        minimised = d_loss + penalty_of(networks, game, batch, fake_images)
        g_loss = game.g_loss(real_logits, fake_logits)
    g_gradients = g_tape.gradient(g_loss, generator.trainable_variables)
    d_gradients = d_tape.gradient(minimised, discriminator.trainable_variables)
    optimizers.generator.apply(g_gradients, generator.trainable_variables)
    optimizers.discriminator.apply(d_gradients, discriminator.trainable_variables)
    return Step(d_loss, g_loss, real_logits, fake_logits)
