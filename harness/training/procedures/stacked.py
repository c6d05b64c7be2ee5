"""The discriminator on one mixed batch, then the generator through the stack of both networks."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import discriminator_loss, generator_loss
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Step, procedure


@procedure(source="R. Atienza, Deep-Learning-Experiments, dcgan_mnist.py (2017)", noise_batches=2)
def stacked(
    networks: Networks, optimizers: Optimizers, real_images: tf.Tensor, noise: tf.Tensor
) -> Step:
    """Update the discriminator on half real, half fake images, then the generator on other noise.

    All N real and N fake images pass the discriminator at once, so that its batch normalization
    sees the mix. d_loss is the mean over the 2N, as published: half of what the procedures report
    that add the means of both halves, and ln 2 when the discriminator cannot tell. The adversarial
    step labels fakes 1 and moves the generator's weights alone. Deviation: the fakes for the
    discriminator are made in training mode (there in inference mode), as in the other procedures.
    """
    generator, discriminator = networks
    mixed = tf.concat([real_images, generator(noise[0], training=True)], axis=0)
    with tf.GradientTape() as tape:
        real_logits, fake_logits = tf.split(discriminator(mixed, training=True), 2)
        d_loss = discriminator_loss(real_logits, fake_logits) / 2.0
    variables = discriminator.trainable_variables
    optimizers.discriminator.apply(tape.gradient(d_loss, variables), variables)
    with tf.GradientTape() as tape:
        g_loss = generator_loss(discriminator(generator(noise[1], training=True), training=True))
    variables = generator.trainable_variables
    optimizers.generator.apply(tape.gradient(g_loss, variables), variables)
    return Step(d_loss, g_loss, real_logits, fake_logits)
