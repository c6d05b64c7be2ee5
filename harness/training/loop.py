"""A trial's training: many steps in one compiled call, the host asked once per report.

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
from types import TracebackType

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from harness.core.config import TrialConfig
from harness.core.errors import DivergedError, InputError
from harness.core.seeds import derive_seed
from harness.data.dataset import Dataset
from harness.data.scaling import fit_scaling
from harness.models.networks import Networks, build_networks, build_optimizers
from harness.training.checkpoint import Snapshot, assign, capture
from harness.training.draws import labels_of, latents
from harness.training.interpolation import between
from harness.training.program import PROGRAMS, inputs_of
from harness.training.progress import STEP_METRICS, Interval, Progress

GENERATE_BATCH = 500
MAX_CALL_SECONDS = 5.0
FIRST_CALL_STEPS = 8  # the first call finds out how many steps fit into MAX_CALL_SECONDS


class Trainer:
    """One trial's training: milestone by milestone, and the images that it generates.

    ``train_seconds`` is the time spent in training steps so far, compilation excluded. At the end
    of a ``with`` statement the trainer lends its compiled networks to the next trainer of the same
    shapes, and is of no further use; without one, it keeps them.
    """

    def __init__(self, config: TrialConfig, dataset: Dataset) -> None:
        """Build the networks of ``config`` and put the training images on the device."""
        self.config = config
        networks = build_networks(config, dataset.image_shape, dataset.num_classes)
        optimizers = build_optimizers(config, networks)
        self._program = PROGRAMS.take(config, dataset, networks, optimizers)
        self._scaling = fit_scaling(config.pixel_scaling, dataset.x_train)
        self._inputs = inputs_of(config, dataset, self._scaling)
        self._steps_done = 0
        self.train_seconds = 0.0
        self._interval = Interval()
        self._steps_per_second = FIRST_CALL_STEPS / MAX_CALL_SECONDS

    def __enter__(self) -> Trainer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        PROGRAMS.give_back(self._program)
        del self._program

    @property
    def networks(self) -> Networks:
        """Generator and discriminator as they are now."""
        return self._program.networks

    @property
    def images_seen(self) -> int:
        """The training images seen so far: whole batches."""
        return self._steps_done * self.config.images_per_step

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that training changes: weights, moving averages, seeds, optimizer states."""
        return self._program.variables

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
        self._take_steps(0)  # compiles, if need be, so that compilation is not timed as training
        for milestone in milestones:
            end = round(milestone / self.config.images_per_step)
            while self._steps_done < end:
                self._advance(end)
                if on_call is not None:
                    on_call(self.images_seen, self._steps_per_second * self.config.images_per_step)
            metrics = self._interval.metrics(self.config.images_per_step)
            self._interval = Interval()
            yield Progress(milestone, metrics)

    @contextmanager
    def trial_generator(self) -> Iterator[keras.Model]:
        """The trial's generator: with ``ema``, the network has the averaged weights inside."""
        average = self._program.average
        with average.shown() if average else nullcontext():
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
        if not self._program.key.num_labels:
            raise InputError(
                "conditional is 'none'; images with labels need conditional = 'labels'"
            )
        with self.trial_generator():
            return self._generate(count, stream)

    def interpolate(self, ways: int, steps: int) -> NDArray[np.uint8]:
        """Images ``between`` pairs of latent vectors, uint8 (ways * steps, H, W, C), way by way.

        The trial's generator makes them, GENERATE_BATCH of them at most. The latent vectors are
        fixed by the seed, of a stream of their own; a conditional generator is given one label for
        each way. Raises DivergedError as ``generate`` does.
        """
        config, names = self.config, ("latents", "labels")
        key, label_key = (derive_seed(config.seed, name, "interpolation") for name in names)
        shape = [2 * ways, config.latent_dim]
        ends = latents(config.latent_distribution, shape, key, 0).numpy()
        noise = between(ends[:ways], ends[ways:], steps, config.latent_distribution)
        drawn = tf.repeat(labels_of(self._inputs.labels, [ways], label_key, 0), steps)
        spare = GENERATE_BATCH - ways * steps  # one shape, so that nothing is compiled again
        one_hot = tf.one_hot(tf.pad(drawn, [[0, spare]]), self._program.key.num_labels)
        with self.trial_generator():
            padded = tf.pad(noise, [[0, spare], [0, 0]])
            values = np.asarray(self._program.generate(padded, one_hot))[: ways * steps]
        return self._to_images(values)

    def _generate(self, count: int, stream: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        config, shape = self.config, [GENERATE_BATCH]
        key = derive_seed(config.seed, "latents", stream)
        label_key = derive_seed(config.seed, "labels", stream)
        pixels, classes = [], []
        for index in range(-(-count // GENERATE_BATCH)):
            noise = latents(config.latent_distribution, [*shape, config.latent_dim], key, index)
            drawn = labels_of(self._inputs.labels, shape, label_key, index)
            one_hot = tf.one_hot(drawn, self._program.key.num_labels)
            pixels.append(np.asarray(self._program.generate(noise, one_hot)))
            classes.append(np.asarray(drawn, np.int64))
        values, labels = np.concatenate(pixels)[:count], np.concatenate(classes)[:count]
        return self._to_images(values), labels

    def _to_images(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        if not np.isfinite(values).all():
            raise DivergedError("a generated pixel", self.images_seen)
        return self._scaling.unscale(values)

    def _advance(self, end: int) -> None:
        """Make one compiled call towards step ``end`` and count it."""
        count = min(end - self._steps_done, max(1, int(self._steps_per_second * MAX_CALL_SECONDS)))
        began = time.perf_counter()
        steps, sums = self._take_steps(count)
        seconds = time.perf_counter() - began
        self._steps_done += steps
        self.train_seconds += seconds
        self._steps_per_second = steps / seconds
        for name, total in zip(STEP_METRICS, sums, strict=True):
            if not np.isfinite(total):
                raise DivergedError(name, self.images_seen)
        self._interval.add(steps, seconds, sums)

    def _take_steps(self, count: int) -> tuple[int, NDArray[np.float64]]:
        """Take at most ``count`` steps: how many were taken, and the sums of STEP_METRICS."""
        taken, sums = self._program.advance(self._inputs, self._steps_done, count)
        return int(taken), np.asarray(sums, np.float64)
