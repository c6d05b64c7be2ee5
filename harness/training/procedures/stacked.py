"""The discriminator on one mixed batch, then the generator through the stack of both networks."""

from __future__ import annotations

import tensorflow as tf

from harness.models.game import Game
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Batch, Step, procedure


@procedure(
    source="R. Atienza, Deep-Learning-Experiments, dcgan_mnist.py (2017)",
    noise_batches=2,
    takes_paired_losses=False,
)
def stacked(networks: Networks, optimizers: Optimizers, game: Game, batch: Batch) -> Step:
    """Update the discriminator on half real, half fake images, then the generator on other noise.

    All N real and N fake images pass the discriminator at once, so that its batch normalization
    sees the mix. d_loss is the mean over the 2N, as published: half of what the procedures report
    that add the means of both halves: of the original loss, ln 2 when the discriminator cannot
    tell. The adversarial step is made of fakes alone, so that there is none for a paired loss, and
    moves the generator's weights alone. Deviation: the fakes for the
    discriminator are made in training mode (there in inference mode), as in the other procedures.
    """
    generator, discriminator = networks
    real_images, real_labels, noise, fake_labels = batch
    mixed = tf.concat([real_images, networks.generate(noise[0], fake_labels[0])], axis=0)
    labels = tf.concat([real_labels, fake_labels[0]], axis=0)
    with tf.GradientTape() as tape:
        real_logits, fake_logits = tf.split(networks.judge(mixed, labels), 2)
        d_loss = game.d_loss(real_logits, fake_logits) / 2.0
    variables = discriminator.trainable_variables
    optimizers.discriminator.apply(tape.gradient(d_loss, variables), variables)
    with tf.GradientTape() as tape:
        fake_images = networks.generate(noise[1], fake_labels[1])
        g_loss = game.g_loss(None, networks.judge(fake_images, fake_labels[1]))
    variables = generator.trainable_variables
    optimizers.generator.apply(tape.gradient(g_loss, variables), variables)
    return Step(d_loss, g_loss, real_logits, fake_logits)
