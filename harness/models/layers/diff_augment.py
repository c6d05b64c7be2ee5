"""Differentiable augmentation: the discriminator sees neither real images nor fakes as they are.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training", section 3.2 and
figure 4. What augments real images alone shows in generated ones; what augments both, and lets
gradients through to the generator, does not.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

TRANSLATION, CUTOUT, BRIGHTNESS = 0.125, 0.5, 0.5  # as published; brightness of images in [-1, 1]
NUM_DRAWS = 5


class DiffAugment(keras.layers.Layer):  # type: ignore[misc]  # untyped
    """Augments images (N, H, W, C) in training mode, each by draws of its own, anew in every call.

    num_labels: how many of the last channels are planes of labels, which stay. span: the length of
    the pixels' range. Gives float32.
    """

    def __init__(self, num_labels: int, span: float, **options: Any) -> None:
        """Draw from a seed generator, whose state is a variable like that of dropout."""
        super().__init__(dtype="float32", **options)
        self.num_labels = num_labels
        self.span = span
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The augmented images; the inputs outside training."""
        if not training:
            return inputs
        count = inputs.shape[0] or tf.shape(inputs)[0]
        draws = keras.random.uniform((NUM_DRAWS, count), seed=self.seed_generator)
        num_channels = inputs.shape[-1] - self.num_labels
        images, planes = inputs[..., :num_channels], inputs[..., num_channels:]
        return tf.concat([diff_augment(images, draws, self.span), planes], axis=-1)


def diff_augment(images: tf.Tensor, draws: tf.Tensor, span: float) -> tf.Tensor:
    """Images (N, H, W, C), brightened, shifted and with a square cut out.

    draws: (5, N) in [0, 1), for brightness (a quarter of the range ``span`` up or down), shift down
    and to the right (an eighth of the size at most, whole pixels), and the centre of the square
    (half the size long). Zeros, in the scale of the images, fill what is left. Written with
    products and comparisons alone, so that XLA compiles it and gradients of gradients are right.
    """
    height, width = images.shape[1:3]
    images = images + (draws[0] - 0.5)[:, None, None, None] * (BRIGHTNESS * span)
    images = tf.einsum("nij,njkc->nikc", _shifts(draws[1], height), images)
    images = tf.einsum("nkj,nijc->nikc", _shifts(draws[2], width), images)
    inside = _inside(draws[3], height)[:, :, None] * _inside(draws[4], width)[:, None, :]
    return images * (1.0 - inside)[..., None]


def _shifts(draws: tf.Tensor, size: int) -> tf.Tensor:
    """(N, size, size) matrices that move a row of ``size`` numbers by whole places, both ways."""
    farthest = int(size * TRANSLATION + 0.5)
    places = tf.floor(draws * (2 * farthest + 1)) - farthest
    index = tf.range(size, dtype=draws.dtype)
    moved = index[:, None] - index[None, :]
    return tf.cast(tf.equal(moved[None], places[:, None, None]), draws.dtype)


def _inside(draws: tf.Tensor, size: int) -> tf.Tensor:
    """(N, size): 1 inside a stretch of half the size around a drawn place, from edge to edge."""
    length = int(size * CUTOUT + 0.5)
    first = tf.floor(draws * (size + 1 - length % 2)) - length // 2
    index = tf.range(size, dtype=draws.dtype)[None] - first[:, None]
    return tf.cast((index >= 0) & (index < length), draws.dtype)
