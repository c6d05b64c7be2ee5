"""The two networks of TensorFlow's DCGAN tutorial, in Keras's own layers."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

LATENT_DIM = 100


def generator(width: float) -> keras.Sequential:
    """(N, 100) to (N, 28, 28, 1) in [-1, 1]."""
    first, second, third = (round(width * channels) for channels in (256, 128, 64))
    return keras.Sequential(
        [
            keras.Input((LATENT_DIM,)),
            layers.Dense(7 * 7 * first, use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Reshape((7, 7, first)),
            layers.Conv2DTranspose(second, 5, 1, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(third, 5, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(),
            layers.Conv2DTranspose(1, 5, 2, "same", use_bias=False, activation="tanh"),
        ]
    )


def discriminator(width: float) -> keras.Sequential:
    """(N, 28, 28, 1) to logits (N, 1)."""
    first, second = (round(width * channels) for channels in (64, 128))
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(first, 5, 2, "same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Conv2D(second, 5, 2, "same"),
            layers.LeakyReLU(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )


def scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The images in [-1, 1], float32."""
    return (images.astype(np.float32) - 127.5) / 127.5
