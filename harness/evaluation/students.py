"""Small classifiers that are trained alike on different images, to compare what the images teach.

One compiled training step serves all of them: what changes is the images, the seed and whether
they are augmented. The same seed gives the same first weights whatever the images.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from harness.core.errors import HarnessError
from harness.core.seeds import derive_seed
from harness.evaluation.classifier.network import BatchedNetwork, Recipe, build_network
from harness.evaluation.classifier.training import (
    deterministic_ops,
    scheduled_adam,
    shuffled_rows,
)

Augment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Images (N, H, W, C) float32 and draws (4, N) in [-1, 1) -> images; draws of 0 change nothing."""

STEPS_PER_CALL = 100  # Ctrl-C is heard between calls


@dataclass(frozen=True, eq=False)
class Labelled:
    """Images, uint8 (N, H, W, C), and the class of each, int64 (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of images, N."""
        return len(self.images)

    def repeated(self, count: int) -> Labelled:
        """These images ``count`` times, one round after another."""
        return Labelled(np.tile(self.images, (count, 1, 1, 1)), np.tile(self.labels, count))

    def __add__(self, other: Labelled) -> Labelled:
        """These images and after them those of ``other``."""
        return Labelled(
            np.concatenate([self.images, other.images]), np.concatenate([self.labels, other.labels])
        )


class Students:
    """Trains classifiers, each for ``num_images`` images seen, and says how often they are right.

    The network and its optimizer are those of ``recipe``; ``augment`` is applied where asked for.
    """

    def __init__(
        self,
        recipe: Recipe,
        image_shape: tuple[int, int, int],
        num_classes: int,
        num_images: int,
        augment: Augment,
    ) -> None:
        """Build and compile the one network that all students are trained in."""
        self._recipe, self._augment = recipe, augment
        self._shape = (image_shape, num_classes)
        self._num_steps = max(num_images // recipe.batch_size, 1)
        self._network = build_network(recipe, *self._shape)
        self._optimizer = scheduled_adam(recipe, self._num_steps)
        self._optimizer.build(self._network.trainable_variables)
        self._untrained = [variable.numpy() for variable in self._optimizer.variables]
        self._predict = BatchedNetwork(self._network)
        self._train = tf.function(
            self._take_steps,
            input_signature=[
                tf.TensorSpec([None, *image_shape], tf.uint8),
                tf.TensorSpec([None], tf.int64),
                tf.TensorSpec([None, recipe.batch_size], tf.int32),
                tf.TensorSpec([None, 4, recipe.batch_size], tf.float32),
            ],
            autograph=False,
        )

    @property
    def num_images(self) -> int:
        """The training images that each student sees: whole batches."""
        return self._num_steps * self._recipe.batch_size

    def accuracy(self, lesson: Labelled, exam: Labelled, seed: int, *, augmented: bool) -> float:
        """Share of ``exam`` that a student of ``lesson`` classifies correctly, in [0, 1].

        First weights, order and augmentation are functions of ``seed``. Raises HarnessError if the
        loss is not finite.
        """
        with deterministic_ops():
            self._begin(seed)
            self._teach(lesson, seed, augmented)
            _, logits = self._predict(exam.images)
        return float(np.mean(logits.argmax(axis=1) == exam.labels))

    def _begin(self, seed: int) -> None:
        """Put the network and the optimizer into the state before the first step."""
        recipe = dataclasses.replace(self._recipe, seed=derive_seed(seed, "weights"))
        fresh = build_network(recipe, *self._shape)
        for variable, value in zip(self._network.variables, fresh.variables, strict=True):
            variable.assign(value)
        for variable, value in zip(self._optimizer.variables, self._untrained, strict=True):
            variable.assign(value)

    def _teach(self, lesson: Labelled, seed: int, augmented: bool) -> None:
        images, labels = tf.constant(lesson.images), tf.constant(lesson.labels)
        order_rng = np.random.default_rng(derive_seed(seed, "order"))
        rows = shuffled_rows(len(lesson), self.num_images, order_rng)
        draws_rng = np.random.default_rng(derive_seed(seed, "augmentation"))
        cuts = range(STEPS_PER_CALL, self._num_steps, STEPS_PER_CALL)
        for batches in np.split(rows.reshape(self._num_steps, -1), cuts):
            draws = np.zeros((len(batches), 4, batches.shape[1]), np.float32)
            if augmented:
                draws = draws_rng.uniform(-1, 1, draws.shape).astype(np.float32)
            loss = float(self._train(images, labels, batches, draws))
            if not np.isfinite(loss):
                raise HarnessError("the loss of a classifier of generated images is not finite")

    def _take_steps(
        self, images: tf.Tensor, labels: tf.Tensor, rows: tf.Tensor, draws: tf.Tensor
    ) -> tf.Tensor:
        """Take one step for each row of ``rows`` and return the sum of their losses."""
        _, total = tf.while_loop(
            lambda step, _: step < tf.shape(rows)[0],
            lambda step, total: (
                step + 1,
                total + self._step(images, labels, rows[step], draws[step]),
            ),
            (0, 0.0),
            parallel_iterations=1,
        )
        return total

    def _step(self, images: tf.Tensor, labels: tf.Tensor, rows: tf.Tensor, draws: tf.Tensor) -> Any:
        batch = self._augment(tf.cast(tf.gather(images, rows), tf.float32), draws)
        with tf.GradientTape() as tape:
            _, logits = self._network(batch, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(labels, rows), logits)
            )
        variables = self._network.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss
