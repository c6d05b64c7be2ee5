"""The discriminator first, then the generator on fresh noise against the updated discriminator."""

from __future__ import annotations

import tensorflow as tf

from harness.models.game import Game
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Batch, Step, procedure


@procedure(
    source="Goodfellow et al. 2014, algorithm 1 with k = 1",
    noise_batches=2,
)
def alternating(networks: Networks, optimizers: Optimizers, game: Game, batch: Batch) -> Step:
    """Update the discriminator on a real and a fake batch, then the generator on other noise.

    The discriminator sees the two batches one after the other (batch normalization treats each by
    itself), and the generator's loss is told by the updated discriminator. A paired loss has it
    judge the real batch again, beside the generator's.
    """
    generator, discriminator = networks
    real_images, real_labels, noise, fake_labels = batch
    fake_images = networks.generate(noise[0], fake_labels[0])
    with tf.GradientTape() as tape:
        real_logits = networks.judge(real_images, real_labels)
        fake_logits = networks.judge(fake_images, fake_labels[0])
        d_loss = game.d_loss(real_logits, fake_logits)
    variables = discriminator.trainable_variables
    optimizers.discriminator.apply(tape.gradient(d_loss, variables), variables)
    with tf.GradientTape() as tape:
        fake_images = networks.generate(noise[1], fake_labels[1])
        judged = networks.judge(fake_images, fake_labels[1])
        beside = networks.judge(real_images, real_labels) if game.loss.paired else None
        g_loss = game.g_loss(beside, judged)
    variables = generator.trainable_variables
    optimizers.generator.apply(tape.gradient(g_loss, variables), variables)
    return Step(d_loss, g_loss, real_logits, fake_logits)
