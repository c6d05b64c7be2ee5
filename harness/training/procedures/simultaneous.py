"""One forward pass, two tapes: both networks are updated from the same fakes and logits."""

from __future__ import annotations

import tensorflow as tf

from harness.models.game import Game
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Batch, Step, procedure


@procedure(source="TensorFlow tutorials, 'Deep Convolutional Generative Adversarial Network'")
def simultaneous(networks: Networks, optimizers: Optimizers, game: Game, batch: Batch) -> Step:
    """Update both networks with the gradients at the same point."""
    generator, discriminator = networks
    real_images, real_labels, noise, fake_labels = batch
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake_images = networks.generate(noise[0], fake_labels[0])
        real_logits = networks.judge(real_images, real_labels)
        fake_logits = networks.judge(fake_images, fake_labels[0])
        d_loss = game.d_loss(real_logits, fake_logits)
        g_loss = game.g_loss(real_logits, fake_logits)
    g_gradients = g_tape.gradient(g_loss, generator.trainable_variables)
    d_gradients = d_tape.gradient(d_loss, discriminator.trainable_variables)
    optimizers.generator.apply(g_gradients, generator.trainable_variables)
    optimizers.discriminator.apply(d_gradients, discriminator.trainable_variables)
    return Step(d_loss, g_loss, real_logits, fake_logits)
