"""One forward pass, two tapes: both networks are updated from the same fakes and logits."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import discriminator_loss, generator_loss
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Step, procedure


@procedure(source="TensorFlow tutorials, 'Deep Convolutional Generative Adversarial Network'")
def simultaneous(
    networks: Networks, optimizers: Optimizers, real_images: tf.Tensor, noise: tf.Tensor
) -> Step:
    """Update both networks with the gradients at the same point."""
    generator, discriminator = networks
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake_images = generator(noise[0], training=True)
        real_logits = discriminator(real_images, training=True)
        fake_logits = discriminator(fake_images, training=True)
        d_loss = discriminator_loss(real_logits, fake_logits)
        g_loss = generator_loss(fake_logits)
    g_gradients = g_tape.gradient(g_loss, generator.trainable_variables)
    d_gradients = d_tape.gradient(d_loss, discriminator.trainable_variables)
    optimizers.generator.apply(g_gradients, generator.trainable_variables)
    optimizers.discriminator.apply(d_gradients, discriminator.trainable_variables)
    return Step(d_loss, g_loss, real_logits, fake_logits)
