"""Keras's way: a model with a ``train_step`` of its own, trained by ``fit`` on tf.data."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tests.benchmarks.peers import Peer
from tests.benchmarks.peers import _tutorial_networks as tutorial_networks


class GAN(keras.Model):  # type: ignore[misc]  # Keras is untyped
    """Both networks, updated from the same fakes, as TensorFlow's tutorial does."""

    def __init__(self, width: float) -> None:
        super().__init__()
        self.generator = tutorial_networks.generator(width)
        self.discriminator = tutorial_networks.discriminator(width)
        self.g_loss_metric = keras.metrics.Mean(name="g_loss")
        self.d_loss_metric = keras.metrics.Mean(name="d_loss")

    @property
    def metrics(self) -> list[keras.Metric]:
        return [self.g_loss_metric, self.d_loss_metric]

    def compile(
        self, d_optimizer: keras.Optimizer, g_optimizer: keras.Optimizer, loss_fn: keras.Loss
    ) -> None:
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = loss_fn

    def train_step(self, real_images: tf.Tensor) -> dict[str, tf.Tensor]:
        batch_size = tf.shape(real_images)[0]
        noise = keras.random.normal((batch_size, tutorial_networks.LATENT_DIM))
        ones, zeros = tf.ones((batch_size, 1)), tf.zeros((batch_size, 1))
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake_images = self.generator(noise, training=True)
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            d_loss = self.loss_fn(ones, real_logits) + self.loss_fn(zeros, fake_logits)
            g_loss = self.loss_fn(ones, fake_logits)
        g_gradients = g_tape.gradient(g_loss, self.generator.trainable_weights)
        d_gradients = d_tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.g_optimizer.apply(g_gradients, self.generator.trainable_weights)
        self.d_optimizer.apply(d_gradients, self.discriminator.trainable_weights)
        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}


def make(images: NDArray[np.uint8], width: float, batch_size: int) -> Peer:
    """A round is a call of ``fit`` of one epoch, which makes a new iterator on the data."""
    gan = GAN(width)
    gan.compile(
        d_optimizer=keras.optimizers.Adam(1e-4),
        g_optimizer=keras.optimizers.Adam(1e-4),
        loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    dataset = tf.data.Dataset.from_tensor_slices(tutorial_networks.scaled(images))
    dataset = dataset.shuffle(len(images)).repeat().batch(batch_size).prefetch(tf.data.AUTOTUNE)

    def train(steps: int) -> None:
        gan.fit(dataset, steps_per_epoch=steps, shuffle=False, verbose=0)

    return Peer(train, (gan.generator, gan.discriminator))
