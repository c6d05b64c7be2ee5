"""What trials of the same shapes share: two networks, two optimizers, and their compiled calls.

Compiling takes seconds, while the numbers of a trial are assigned in no time. So a program is
compiled for what trials have in common, its ``ProgramKey``, and is handed the rest: values of
variables, settings of layers, ``Inputs``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import keras
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.registry import PROCEDURES
from harness.core.seeds import derive_seed
from harness.data.dataset import Dataset
from harness.data.scaling import PixelScaling
from harness.models.game import build_game
from harness.models.layers.adjustable import Adjustable
from harness.models.networks import Networks, Optimizers
from harness.training.augmentation import classic
from harness.training.averaging import GeneratorAverage
from harness.training.draws import epoch_orders, labels_of, latents
from harness.training.procedures import Batch, Procedure, Step
from harness.training.program_key import ProgramKey, layers_of, program_key
from harness.training.progress import STEP_METRICS

STREAMS = ("order", "augmentation", "noise", "labels", "penalty")
"""The random streams of training, in the order of ``Inputs.keys``."""

MAX_IDLE = 4
"""How many programs are kept for trials to come: those that were used last."""


class Inputs(NamedTuple):
    """The numbers of one trial, beside its variables and the settings of its layers.

    images: (N, H, W, C), uint8, and labels: (N,), int32, all that are trained on. multiplier,
    offset: (H, W, C), float32, of the pixel scaling. keys: int32, one for each of ``STREAMS``.
    penalty_weight: a scalar, float32.
    """

    images: tf.Tensor
    labels: tf.Tensor
    multiplier: tf.Tensor
    offset: tf.Tensor
    keys: tf.Tensor
    penalty_weight: tf.Tensor

    def key(self, stream: str) -> tf.Tensor:
        """The key of ``stream``, a scalar."""
        return self.keys[STREAMS.index(stream)]


class Program:
    """Networks and optimizers of one trial after the other, and the compiled calls on them.

    ``advance(inputs, first_step, num_steps)`` takes at most ``num_steps`` steps and returns how
    many it took and the sums of STEP_METRICS; it stops after the first step whose loss is not
    finite. ``generate(noise, labels)`` is that of the networks, in inference mode. ``average`` is
    that of the generator's weights with ``ema``, else None.
    """

    def __init__(self, key: ProgramKey, networks: Networks, optimizers: Optimizers) -> None:
        """A program for ``key``, with the networks and optimizers of its first trial."""
        self.key = key
        self.networks = networks
        self.optimizers = optimizers
        self._game = build_game(key.config)
        self._procedure: Procedure = PROCEDURES.get(key.config.procedure)
        self._procedure.check(key.config)
        self.average: GeneratorAverage | None = None
        if key.config.ema > 0.0:
            horizon = key.config.ema * key.config.images / key.config.images_per_step
            self.average = GeneratorAverage(networks.generator, horizon)
        self.generate: Callable[..., tf.Tensor] = tf.function(
            partial(networks.generate, training=False), reduce_retracing=True
        )
        number = tf.TensorSpec([], tf.int32)
        self.advance: Callable[..., tuple[tf.Tensor, tf.Tensor]] = tf.function(
            self._take_steps,
            input_signature=[_specs(key.image_shape), number, number],
            autograph=False,
            jit_compile=key.xla,
        )

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that training changes: weights, moving averages, seeds, optimizer states."""
        average = self.average.variables if self.average else []
        return [*_variables(self.networks, self.optimizers), *average]

    def take_over(self, networks: Networks, optimizers: Optimizers) -> None:
        """Start the next trial: the values and settings of ``networks`` and ``optimizers``."""
        theirs = _variables(networks, optimizers)
        for mine, other in zip(_variables(self.networks, self.optimizers), theirs, strict=True):
            mine.assign(other)
        for layer, like in zip(layers_of(self.networks), layers_of(networks), strict=True):
            if isinstance(layer, Adjustable):
                layer.adjust(like)
        if self.average:
            self.average.restart()

    def _take_steps(
        self, inputs: Inputs, first_step: tf.Tensor, num_steps: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        size, per_step = inputs.images.shape[0], self.key.config.images_per_step
        num_epochs = per_step // size + 2  # as many as a step can touch
        orders = partial(epoch_orders, size, num_epochs, inputs.key("order"))

        def keep_going(step: tf.Tensor, totals: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return (step < first_step + num_steps) & tf.reduce_all(tf.math.is_finite(totals))

        def take_step(
            step: tf.Tensor, totals: tf.Tensor, before: tf.Tensor, order: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            epoch = step * per_step // size
            order = tf.cond(epoch == before, lambda: order, lambda: orders(epoch))
            rows = tf.slice(order, [step * per_step - epoch * size], [per_step])
            return (
                step + 1,
                totals + self._summary(self._train_step(inputs, rows, step)),
                epoch,
                order,
            )

        epoch = first_step * per_step // size
        state = (first_step, tf.zeros(len(STEP_METRICS)), epoch, orders(epoch))
        step, totals, *_ = tf.while_loop(keep_going, take_step, state, parallel_iterations=1)
        return step - first_step, totals

    def _train_step(self, inputs: Inputs, rows: tf.Tensor, step: tf.Tensor) -> Step:
        """Step number ``step``, on the images in ``rows``, ``images_per_step`` of them."""
        config = self.key.config
        pixels = tf.cast(tf.gather(inputs.images, rows), tf.float32)
        labels = tf.gather(inputs.labels, rows)
        if config.augmentation == "classic":
            seed, shape = tf.stack([inputs.key("augmentation"), step]), [4, config.images_per_step]
            pixels = classic(pixels, tf.random.stateless_uniform(shape, seed, -1.0, 1.0))
        real_images = pixels * inputs.multiplier + inputs.offset
        count = config.discriminator_steps
        parts = zip(tf.split(real_images, count), tf.split(labels, count), strict=True)
        *ahead, batch = [
            self._batch(inputs, *part, step * count + index) for index, part in enumerate(parts)
        ]
        game = self._game._replace(penalty_weight=inputs.penalty_weight)
        for one in ahead:
            self._procedure.d_step(self.networks, self.optimizers, game, one)
        seen = self._procedure.step(self.networks, self.optimizers, game, batch)
        if self.average:
            self.average.update(step)
        return seen

    def _batch(
        self, inputs: Inputs, real_images: tf.Tensor, labels: tf.Tensor, update: tf.Tensor
    ) -> Batch:
        """What update number ``update`` of the discriminator is made of, from N real images."""
        config, num_labels = self.key.config, self.key.num_labels
        shape = [self._procedure.noise_batches, config.batch_size]
        noise = latents(
            config.latent_distribution, [*shape, config.latent_dim], inputs.key("noise"), update
        )
        drawn = labels_of(inputs.labels, shape, inputs.key("labels"), update)
        mixing = None
        if self._game.penalty.mixes:
            seed = tf.stack([inputs.key("penalty"), update])
            shares = tf.random.stateless_uniform([config.batch_size // config.packing], seed)
            mixing = tf.repeat(shares, config.packing)
        one_hot = (tf.one_hot(labels, num_labels), tf.one_hot(drawn, num_labels))
        return Batch(real_images, one_hot[0], noise, one_hot[1], mixing)

    def _summary(self, step: Step) -> tf.Tensor:
        """STEP_METRICS of one step, float32 (4,); accuracies are shares of the batch told right."""
        accuracies = self._game.loss.accuracies(step.real_logits, step.fake_logits)
        return tf.stack([step.d_loss, step.g_loss, *accuracies])


class Programs:
    """The programs of a process that no trial uses, the ones that were used last."""

    def __init__(self, limit: int = MAX_IDLE) -> None:
        """Keep at most ``limit``."""
        self._limit = limit
        self._idle: OrderedDict[ProgramKey, Program] = OrderedDict()

    def take(
        self, config: TrialConfig, dataset: Dataset, networks: Networks, optimizers: Optimizers
    ) -> Program:
        """A program with the values and settings of ``networks`` and ``optimizers``.

        An idle one if there is one for them, else a new one. It is the caller's alone, until it is
        given back.
        """
        key = program_key(config, dataset, networks)
        program = self._idle.pop(key, None)
        if program is None:
            return Program(key, networks, optimizers)
        program.take_over(networks, optimizers)
        return program

    def give_back(self, program: Program) -> None:
        """Keep ``program`` for another trial, in place of the one that was idle longest."""
        self._idle[program.key] = program
        self._idle.move_to_end(program.key)
        while len(self._idle) > self._limit:
            self._idle.popitem(last=False)


PROGRAMS = Programs()
"""Those of this process."""


def inputs_of(config: TrialConfig, dataset: Dataset, scaling: PixelScaling) -> Inputs:
    """The inputs of a trial of ``config`` on the training images of ``dataset``."""
    keys = [derive_seed(config.seed, stream) for stream in STREAMS]
    return Inputs(
        tf.constant(dataset.x_train),
        tf.constant(dataset.y_train, tf.int32),
        tf.broadcast_to(scaling.multiplier, dataset.image_shape),
        tf.broadcast_to(scaling.offset, dataset.image_shape),
        tf.constant(keys, tf.int32),
        tf.constant(config.penalty_weight),
    )


def _specs(image_shape: tuple[int, int, int, int]) -> Inputs:
    """The shapes and types of ``Inputs``."""
    pixels = tf.TensorSpec(image_shape[1:], tf.float32)
    return Inputs(
        tf.TensorSpec(image_shape, tf.uint8),
        tf.TensorSpec(image_shape[:1], tf.int32),
        pixels,
        pixels,
        tf.TensorSpec([len(STREAMS)], tf.int32),
        tf.TensorSpec([], tf.float32),
    )


def _variables(networks: Networks, optimizers: Optimizers) -> list[keras.Variable]:
    return [v for part in (*networks, *optimizers) for v in part.variables]
