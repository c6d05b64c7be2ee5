"""The discriminator first, then the generator on fresh noise against the updated discriminator."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import discriminator_loss, generator_loss
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Step, procedure


@procedure(
    source="Goodfellow et al. 2014, algorithm 1 with k = 1, and its non-saturating loss",
    noise_batches=2,
)
def alternating(
    networks: Networks, optimizers: Optimizers, real_images: tf.Tensor, noise: tf.Tensor
) -> Step:
    """Update the discriminator on a real and a fake batch, then the generator on other noise.

    The discriminator sees the two batches one after the other (batch normalization treats each by
    itself), its loss is the sum of both, and the generator's is told by the updated discriminator.
    """
    generator, discriminator = networks
    fake_images = generator(noise[0], training=True)
    with tf.GradientTape() as tape:
        real_logits = discriminator(real_images, training=True)
        fake_logits = discriminator(fake_images, training=True)
        d_loss = discriminator_loss(real_logits, fake_logits)
    variables = discriminator.trainable_variables
    optimizers.discriminator.apply(tape.gradient(d_loss, variables), variables)
    with tf.GradientTape() as tape:
        g_loss = generator_loss(discriminator(generator(noise[1], training=True), training=True))
    variables = generator.trainable_variables
    optimizers.generator.apply(tape.gradient(g_loss, variables), variables)
    return Step(d_loss, g_loss, real_logits, fake_logits)
