"""How the reference classifier is trained: the same bytes from the same recipe, data and machine.

Adam on the cross-entropy, with a linear warm-up and a cosine decay, over randomly rotated, scaled
and shifted images. Every random number comes from the recipe's seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework import config as tf_config  # the way back is not in the public API

from harness.core.errors import HarnessError
from harness.data.dataset import Dataset
from harness.evaluation.classifier.network import Recipe, build_network

REPORTS = 10
"""Calls of the compiled function, and so lines of progress, per training."""


def train_network(
    dataset: Dataset, recipe: Recipe, on_progress: Callable[[str], None]
) -> keras.Model:
    """A network trained on the training split of ``dataset``; the test split is not looked at.

    ``on_progress`` is told one line per tenth. Raises HarnessError if the loss is not finite.
    """
    rng = np.random.default_rng(recipe.seed)
    num_images = recipe.images(len(dataset.x_train))
    order = shuffled_rows(len(dataset.x_train), num_images, rng).reshape(-1, recipe.batch_size)
    with deterministic_ops():
        network = build_network(recipe, dataset.image_shape, dataset.num_classes)
        run = _compiled_steps(network, scheduled_adam(recipe, len(order)), dataset)
        seen = 0
        for rows in np.array_split(order, min(REPORTS, len(order))):
            transforms = random_affine(rng, recipe, rows.size, dataset.image_shape)
            loss = float(run(tf.constant(rows), tf.constant(transforms.reshape(*rows.shape, 8))))
            seen += rows.size
            if not np.isfinite(loss):
                raise HarnessError(
                    f"the reference classifier's loss is not finite at {seen:,} images"
                )
            on_progress(f"reference classifier: {seen:,} of {num_images:,} images, loss {loss:.4f}")
    return network


@contextmanager
def deterministic_ops() -> Iterator[None]:
    """Run TensorFlow's deterministic kernels inside the block, what was chosen before after it.

    They are slower, so a GAN's training must not inherit them.
    """
    was_enabled = tf_config.is_op_determinism_enabled()
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        if not was_enabled:
            tf_config.disable_op_determinism()


def random_affine(
    rng: np.random.Generator, recipe: Recipe, count: int, image_shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Random rotations, scalings and shifts about the image centre, float32 (count, 8).

    Each row is (a0, a1, a2, b0, b1, b2, 0, 0) as ``keras.ops.image.affine_transform`` reads it: the
    output pixel (x, y) takes the input's value at (a0 x + a1 y + a2, b0 x + b1 y + b2).
    """
    height, width, _ = image_shape
    angle = np.deg2rad(rng.uniform(-recipe.rotation, recipe.rotation, count))
    scale = np.exp(rng.uniform(-recipe.zoom, recipe.zoom, count))
    shift_x, shift_y = rng.uniform(-recipe.shift, recipe.shift, (2, count))
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    x, y = (width - 1) / 2, (height - 1) / 2
    zero = np.zeros(count)
    columns = (
        *(cosine, -sine, x - cosine * x + sine * y + shift_x),
        *(sine, cosine, y - sine * x - cosine * y + shift_y),
        *(zero, zero),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def shuffled_rows(num_train: int, num_images: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Rows of the images in the order in which they are seen, int32 (num_images,).

    One permutation of all ``num_train`` follows another.
    """
    epochs = -(-num_images // num_train)
    permutations = [rng.permutation(num_train) for _ in range(epochs)]
    return np.concatenate(permutations)[:num_images].astype(np.int32)


def scheduled_adam(recipe: Recipe, num_steps: int) -> keras.optimizers.Optimizer:
    """Adam whose rate warms up linearly, then decays by a cosine over ``num_steps`` steps."""
    warmup = int(num_steps * recipe.warmup_share)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 30,
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=max(num_steps - warmup, 1),
        alpha=1e-3,
    )
    return keras.optimizers.Adam(schedule)


def _compiled_steps(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, dataset: Dataset
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """A function of rows (S, B) and transforms (S, B, 8): S training steps, their mean loss."""
    images, labels = tf.constant(dataset.x_train), tf.constant(dataset.y_train)
    optimizer.build(network.trainable_variables)

    def step(rows: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
        batch = tf.cast(tf.gather(images, rows), tf.float32)
        batch = keras.ops.image.affine_transform(batch, transforms, fill_mode="nearest")
        with tf.GradientTape() as tape:
            _, logits = network(batch, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(labels, rows), logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    def run(rows: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for index in tf.range(tf.shape(rows)[0]):
            total += step(rows[index], transforms[index])
        return total / tf.cast(tf.shape(rows)[0], tf.float32)

    compiled: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = tf.function(run, reduce_retracing=True)
    return compiled
