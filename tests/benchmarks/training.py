"""Images per second of the training loop beside the loop that TensorFlow's tutorial shows."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence

import tensorflow as tf
from rich.console import Console
from rich.table import Table

from harness.core.config import TrialConfig
from harness.core.registry import PROCEDURES
from harness.data.dataset import Dataset
from harness.data.load import load_dataset
from harness.data.scaling import fit_scaling
from harness.models.game import build_game
from harness.models.networks import build_networks, build_optimizers
from harness.training.loop import Trainer
from harness.training.procedures import Batch

Rounds = Iterator[None]
"""Each ``next`` trains on as many images as the schedule says for that round."""


def harness_loop(config: TrialConfig, dataset: Dataset, schedule: Sequence[int]) -> Rounds:
    """This project's loop: many steps in a compiled call, images on the device as uint8."""
    milestones = list(itertools.accumulate(schedule))
    for _ in Trainer(config, dataset).run(milestones):
        yield


def tutorial_loop(config: TrialConfig, dataset: Dataset, schedule: Sequence[int]) -> Rounds:
    """The tutorial's loop: float images through tf.data, one compiled call for each step."""
    networks = build_networks(config, dataset.image_shape, dataset.num_classes)
    optimizers = build_optimizers(config, networks)
    scaled = fit_scaling(config.pixel_scaling, dataset.x_train).scale(dataset.x_train)
    batches = tf.data.Dataset.from_tensor_slices(scaled).shuffle(len(scaled)).repeat()
    stream = iter(batches.batch(config.batch_size))

    game, procedure = build_game(config), PROCEDURES.get(config.procedure)

    @tf.function
    def step(images: tf.Tensor) -> None:
        noise = tf.random.normal([1, config.batch_size, config.latent_dim])
        nothing = tf.zeros([1, config.batch_size, 0])  # unconditional: no labels are told
        procedure.step(networks, optimizers, game, Batch(images, nothing[0], noise, nothing))

    for images in schedule:
        for _ in range(images // config.batch_size):
            step(next(stream))
        yield


LOOPS = {"harness": harness_loop, "tutorial": tutorial_loop}


def rates(config: TrialConfig, dataset: Dataset, images: int, rounds: int) -> dict[str, float]:
    """Loop -> images per second, the best of ``rounds`` interleaved rounds after a warm-up."""
    schedule = [4 * config.batch_size, *[images] * rounds]
    loops = {name: make(config, dataset, schedule) for name, make in LOOPS.items()}
    for train in loops.values():
        next(train)
    best = dict.fromkeys(loops, 0.0)
    for _ in range(rounds):
        for name, train in loops.items():
            began = time.perf_counter()
            next(train)
            best[name] = max(best[name], images / (time.perf_counter() - began))
    return best


def main(images: int, rounds: int, width: float) -> None:
    """Print each loop's rate, and its ratio to the tutorial's, at two batch sizes."""
    dataset = load_dataset("digits")
    table = Table("batch", "loop", "images/s", "ratio", title=f"Training, width {width:g}")
    for batch_size in (32, 128):
        config = TrialConfig(width=width, batch_size=batch_size, images=10**9)
        measured = rates(config, dataset, images, rounds)
        for name, rate in measured.items():
            ratio = rate / measured["tutorial"]
            table.add_row(str(batch_size), name, f"{rate:,.0f}", f"{ratio:.2f}")
    Console().print(table)
