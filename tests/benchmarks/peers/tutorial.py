"""TensorFlow's DCGAN tutorial: float images through tf.data, one compiled call for each step."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tests.benchmarks.peers import Peer
from tests.benchmarks.peers import _tutorial_networks as tutorial_networks


def make(images: NDArray[np.uint8], width: float, batch_size: int) -> Peer:
    """Both networks updated from the same fakes, as the tutorial does."""
    generator = tutorial_networks.generator(width)
    discriminator = tutorial_networks.discriminator(width)
    generator_optimizer = keras.optimizers.Adam(1e-4)
    discriminator_optimizer = keras.optimizers.Adam(1e-4)
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def train_step(images: tf.Tensor) -> None:
        noise = tf.random.normal([batch_size, tutorial_networks.LATENT_DIM])
        with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
            generated_images = generator(noise, training=True)
            real_output = discriminator(images, training=True)
            fake_output = discriminator(generated_images, training=True)
            gen_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
            real_loss = cross_entropy(tf.ones_like(real_output), real_output)
            fake_loss = cross_entropy(tf.zeros_like(fake_output), fake_output)
            disc_loss = real_loss + fake_loss
        gen_gradients = gen_tape.gradient(gen_loss, generator.trainable_variables)
        disc_gradients = disc_tape.gradient(disc_loss, discriminator.trainable_variables)
        generator_optimizer.apply(gen_gradients, generator.trainable_variables)
        discriminator_optimizer.apply(disc_gradients, discriminator.trainable_variables)

    dataset = tf.data.Dataset.from_tensor_slices(tutorial_networks.scaled(images))
    batches = iter(dataset.shuffle(len(images)).repeat().batch(batch_size))

    def train(steps: int) -> None:
        for _ in range(steps):
            train_step(next(batches))

    return Peer(train, (generator, discriminator))
