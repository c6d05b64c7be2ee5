"""The training loop: many steps in one compiled call, the host asked once per report.

The images lie on the device as uint8. Every random number is a function of (seed, step), so that
a step does not depend on how the steps were cut into calls. An interval that would keep the host
waiting for more than ``MAX_CALL_SECONDS`` (a slow CPU) is cut, so that progress is seen and Ctrl-C
is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from harness.core.config import TrialConfig
from harness.core.errors import DivergedError, InputError
from harness.core.registry import PROCEDURES
from harness.core.seeds import derive_seed
from harness.data.dataset import Dataset
from harness.data.scaling import fit_scaling
from harness.models.game import build_game
from harness.models.networks import build_networks, build_optimizers, num_labels
from harness.training.augmentation import classic
from harness.training.averaging import GeneratorAverage
from harness.training.checkpoint import Snapshot, assign, capture
from harness.training.device import use_xla
from harness.training.procedures import Batch, Procedure, Step
from harness.training.progress import STEP_METRICS, Interval, Progress

GENERATE_BATCH = 500
MAX_CALL_SECONDS = 5.0
FIRST_CALL_STEPS = 8  # the first call finds out how many steps fit into MAX_CALL_SECONDS


class Trainer:
    """One trial's networks and optimizers: trains milestone by milestone, generates images.

    ``train_seconds`` is the time spent in training steps so far, compilation excluded.
    """

    def __init__(self, config: TrialConfig, dataset: Dataset) -> None:
        """Build the networks of ``config`` and put the training images on the device."""
        self.config = config
        self.networks = build_networks(config, dataset.image_shape, dataset.num_classes)
        self._scaling = fit_scaling(config.pixel_scaling, dataset.x_train)
        self._images = tf.constant(dataset.x_train)
        self._labels = tf.constant(dataset.y_train, tf.int32)
        self._num_labels = num_labels(config, dataset.num_classes)
        self._optimizers = build_optimizers(config, self.networks)
        self._average = None
        if config.ema > 0.0:
            horizon = config.ema * config.images / config.images_per_step
            self._average = GeneratorAverage(self.networks.generator, horizon)
        self._game = build_game(config)
        self._procedure: Procedure = PROCEDURES.get(config.procedure)
        self._procedure.check(config)
        self._steps_done = 0
        self.train_seconds = 0.0
        self._interval = Interval()
        self._steps_per_second = FIRST_CALL_STEPS / MAX_CALL_SECONDS
        self._generate_batch = tf.function(
            partial(self.networks.generate, training=False), reduce_retracing=True
        )

    @property
    def images_seen(self) -> int:
        """The training images seen so far: whole batches."""
        return self._steps_done * self.config.images_per_step

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that training changes: weights, moving averages, seeds, optimizer states."""
        average = [self._average] if self._average else []
        return [v for part in (*self.networks, *self._optimizers, *average) for v in part.variables]

    def snapshot(self) -> Snapshot:
        """The variables and the progress of training, between two compiled calls."""
        position = {"steps_done": self._steps_done, "train_seconds": self.train_seconds}
        record = {**position, "interval": asdict(self._interval)}
        return Snapshot(capture(self.variables), record)

    def restore(self, snapshot: Snapshot) -> None:
        """Resume from ``snapshot``, of a trainer of the same configuration and data.

        Raises RecordError if it was taken from other networks; then nothing is changed.
        """
        assign(self.variables, snapshot.arrays)
        self._steps_done = snapshot.record["steps_done"]
        self.train_seconds = snapshot.record["train_seconds"]
        self._interval = Interval(**snapshot.record["interval"])

    def run(
        self, milestones: Sequence[int], on_call: Callable[[int, float], None] | None = None
    ) -> Iterator[Progress]:
        """Train up to each milestone (in images seen, rising) and report there.

        ``on_call(images_seen, images_per_second)`` is told after every compiled call. Raises
        DivergedError, with the images_seen at which it was seen, as soon as a loss is NaN or
        infinite. After ``restore``, the milestones are those that were not reported before.
        """
        if not milestones:
            return
        ends = [round(milestone / self.config.images_per_step) for milestone in milestones]
        longest = max(np.diff([self._steps_done, *ends]))
        advance = self._compile(num_epochs=self._epochs_touched(int(longest)))
        for milestone, end in zip(milestones, ends, strict=True):
            while self._steps_done < end:
                self._advance(advance, end)
                if on_call is not None:
                    on_call(self.images_seen, self._steps_per_second * self.config.images_per_step)
            metrics = self._interval.metrics(self.config.images_per_step)
            self._interval = Interval()
            yield Progress(milestone, metrics)

    @contextmanager
    def trial_generator(self) -> Iterator[keras.Model]:
        """The trial's generator: with ``ema``, the network has the averaged weights inside."""
        with self._average.shown() if self._average else nullcontext():
            yield self.networks.generator

    def generate(self, count: int, stream: str = "evaluation") -> NDArray[np.uint8]:
        """``count`` images, uint8 (count, H, W, C), from latents fixed by the seed and ``stream``.

        They are of the trial's generator, with ``ema`` the averaged one. The first k of a larger
        count are the same images. A conditional generator is given labels in the shares of the
        training images. Raises DivergedError if the generator gives a NaN or an infinite value.
        """
        with self.trial_generator():
            return self._generate(count, stream)[0]

    def generate_raw(self, count: int, stream: str = "evaluation") -> NDArray[np.uint8]:
        """As ``generate``, by the generator as it is trained, from the same latents."""
        return self._generate(count, stream)[0]

    def generate_labelled(
        self, count: int, stream: str = "evaluation"
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The images of ``generate``, and the labels that they were made for, int64 (count,).

        Raises InputError if the generator is not conditional, DivergedError as ``generate`` does.
        """
        if not self._num_labels:
            raise InputError(
                "conditional is 'none'; images with labels need conditional = 'labels'"
            )
        with self.trial_generator():
            return self._generate(count, stream)

    def _generate(self, count: int, stream: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        key = derive_seed(self.config.seed, "latents", stream)
        label_key = derive_seed(self.config.seed, "labels", stream)
        pixels, classes = [], []
        for index in range(-(-count // GENERATE_BATCH)):
            noise = self._latents([GENERATE_BATCH], key, index)
            drawn = self._draw_labels([GENERATE_BATCH], label_key, index)
            pixels.append(np.asarray(self._generate_batch(noise, self._one_hot(drawn))))
            classes.append(np.asarray(drawn, np.int64))
        values, labels = np.concatenate(pixels)[:count], np.concatenate(classes)[:count]
        if not np.isfinite(values).all():
            raise DivergedError("a generated pixel", self.images_seen)
        return self._scaling.unscale(values), labels

    def _advance(self, advance: Callable[..., Any], end: int) -> None:
        """Make one compiled call towards step ``end`` and count it."""
        count = min(end - self._steps_done, max(1, int(self._steps_per_second * MAX_CALL_SECONDS)))
        began = time.perf_counter()
        taken, totals = advance(self._images, self._steps_done, count)
        steps, sums = int(taken), np.asarray(totals, np.float64)
        seconds = time.perf_counter() - began
        self._steps_done += steps
        self.train_seconds += seconds
        self._steps_per_second = steps / seconds
        for name, total in zip(STEP_METRICS, sums, strict=True):
            if not np.isfinite(total):
                raise DivergedError(name, self.images_seen)
        self._interval.add(steps, seconds, sums)

    def _epochs_touched(self, steps: int) -> int:
        """The most epochs that ``steps`` consecutive steps can touch."""
        return steps * self.config.images_per_step // len(self._images) + 2

    def _compile(self, num_epochs: int) -> Callable[..., Any]:
        """The compiled call ``(images, first_step, num_steps) -> (steps taken, sums)``.

        It is traced here, on zero steps, so that compilation is not timed as training.
        """
        function: Callable[..., Any] = tf.function(
            partial(self._take_steps, num_epochs=num_epochs),
            input_signature=[
                tf.TensorSpec(self._images.shape, tf.uint8),
                tf.TensorSpec([], tf.int32),
                tf.TensorSpec([], tf.int32),
            ],
            autograph=False,
            jit_compile=use_xla(),
        )
        function(self._images, self._steps_done, 0)
        return function

    def _take_steps(
        self, images: tf.Tensor, first_step: tf.Tensor, num_steps: tf.Tensor, num_epochs: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Take up to ``num_steps`` steps, stopping after the first whose loss is not finite."""
        size, per_step = images.shape[0], self.config.images_per_step
        first_epoch = first_step * per_step // size
        order = self._epoch_orders(first_epoch, num_epochs, size)

        def keep_going(step: tf.Tensor, totals: tf.Tensor) -> tf.Tensor:
            return (step < first_step + num_steps) & tf.reduce_all(tf.math.is_finite(totals))

        def take_step(step: tf.Tensor, totals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            position = step * per_step - first_epoch * size
            rows = tf.slice(order, [position], [per_step])
            seen = self._train_step(tf.gather(images, rows), tf.gather(self._labels, rows), step)
            return step + 1, totals + self._summary(seen)

        step, totals = tf.while_loop(
            keep_going, take_step, (first_step, tf.zeros(len(STEP_METRICS))), parallel_iterations=1
        )
        return step - first_step, totals

    def _train_step(self, images: tf.Tensor, labels: tf.Tensor, step: tf.Tensor) -> Step:
        """Step number ``step``, on ``images_per_step`` images."""
        pixels = tf.cast(images, tf.float32)
        if self.config.augmentation == "classic":
            key = derive_seed(self.config.seed, "augmentation")
            seed, shape = tf.stack([key, step]), [4, self.config.images_per_step]
            pixels = classic(pixels, tf.random.stateless_uniform(shape, seed, -1.0, 1.0))
        real_images = pixels * self._scaling.multiplier + self._scaling.offset
        count = self.config.discriminator_steps
        parts = zip(tf.split(real_images, count), tf.split(labels, count), strict=True)
        *ahead, batch = [
            self._batch(*part, step * count + index) for index, part in enumerate(parts)
        ]
        for one in ahead:
            self._procedure.d_step(self.networks, self._optimizers, self._game, one)
        seen = self._procedure.step(self.networks, self._optimizers, self._game, batch)
        if self._average:
            self._average.update(step)
        return seen

    def _batch(self, real_images: tf.Tensor, labels: tf.Tensor, update: tf.Tensor) -> Batch:
        """What update number ``update`` of the discriminator is made of, from N real images."""
        shape = [self._procedure.noise_batches, self.config.batch_size]
        noise = self._latents(shape, derive_seed(self.config.seed, "noise"), update)
        drawn = self._draw_labels(shape, derive_seed(self.config.seed, "labels"), update)
        mixing = None
        if self._game.penalty.mixes:
            seed = tf.stack([derive_seed(self.config.seed, "penalty"), update])
            packs = self.config.batch_size // self.config.packing
            drawn_shares = tf.random.stateless_uniform([packs], seed)
            mixing = tf.repeat(drawn_shares, self.config.packing)
        return Batch(real_images, self._one_hot(labels), noise, self._one_hot(drawn), mixing)

    def _one_hot(self, labels: tf.Tensor) -> tf.Tensor:
        """Labels as the networks are told them: float32, a last axis of 0 if they are not told."""
        return tf.one_hot(labels, self._num_labels)

    def _draw_labels(self, shape: list[int], key: int, index: int | tf.Tensor) -> tf.Tensor:
        """Labels of training images drawn with replacement, int32 of ``shape``."""
        seed, size = tf.stack([key, index]), len(self._images)
        rows = tf.random.stateless_uniform(shape, seed, 0, size, tf.int32)
        return tf.gather(self._labels, rows)

    def _latents(self, shape: list[int], key: int, index: int | tf.Tensor) -> tf.Tensor:
        """Noise of ``shape`` + (latent_dim,): standard normal, or uniform in [-1, 1)."""
        shape = [*shape, self.config.latent_dim]
        seed = tf.stack([key, index])
        if self.config.latent_distribution == "uniform":
            return tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
        return tf.random.stateless_normal(shape, seed)

    def _epoch_orders(self, first: tf.Tensor, count: int, size: int) -> tf.Tensor:
        """The shuffled row numbers of ``count`` epochs in a row, (count * size,)."""
        key = derive_seed(self.config.seed, "order")

        def shuffle(epoch: tf.Tensor) -> tf.Tensor:
            seed = tf.stack([key, epoch])
            return tf.argsort(tf.random.stateless_uniform([size], seed))

        orders = tf.map_fn(shuffle, first + tf.range(count), fn_output_signature=tf.int32)
        return tf.reshape(orders, [count * size])

    def _summary(self, step: Step) -> tf.Tensor:
        """STEP_METRICS of one step, float32 (4,); accuracies are shares of the batch told right."""
        accuracies = self._game.loss.accuracies(step.real_logits, step.fake_logits)
        return tf.stack([step.d_loss, step.g_loss, *accuracies])
