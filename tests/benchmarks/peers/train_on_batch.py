"""The stack of both networks by ``train_on_batch``, as Keras's examples of 2016 and 2017 have it.

R. Atienza, Deep-Learning-Experiments, dcgan_mnist.py: the discriminator on real images and fakes in
one batch, then the generator through the stack, in which the discriminator is not trainable.
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.peers import Peer
from tests.benchmarks.peers import _tutorial_networks as tutorial_networks


def make(images: NDArray[np.uint8], width: float, batch_size: int) -> Peer:
    """Batches are drawn with replacement by NumPy, as published; fakes come from ``predict``."""
    generator = tutorial_networks.generator(width)
    discriminator = tutorial_networks.discriminator(width)
    adversarial = keras.Sequential([generator, discriminator])
    for model in (discriminator, adversarial):
        model.compile(
            keras.optimizers.Adam(1e-4), keras.losses.BinaryCrossentropy(from_logits=True)
        )
    real, rng = tutorial_networks.scaled(images), np.random.default_rng(0)

    def noise() -> NDArray[np.float32]:
        drawn = rng.uniform(-1.0, 1.0, (batch_size, tutorial_networks.LATENT_DIM))
        return drawn.astype(np.float32)

    def train(steps: int) -> None:
        ones, zeros = np.ones((batch_size, 1), np.float32), np.zeros((batch_size, 1), np.float32)
        for _ in range(steps):
            real_images = real[rng.integers(0, len(real), batch_size)]
            fake_images = generator.predict(noise(), batch_size=batch_size, verbose=0)
            discriminator.trainable = True
            discriminator.train_on_batch(
                np.concatenate([real_images, fake_images]), np.concatenate([ones, zeros])
            )
            discriminator.trainable = False
            adversarial.train_on_batch(noise(), ones)

    return Peer(train, (generator, discriminator))
