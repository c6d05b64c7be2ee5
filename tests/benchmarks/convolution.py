"""Transposed convolutions of stride 1, ``direct`` beside ``transform``, in CPU seconds.

``python -m tests.benchmarks.convolution [ROUNDS]`` prints two tables: the layer alone, and whole
training steps. CPU seconds of the process are compared, in rounds that take turns, by their median,
since on a machine that does other things as well nothing else repeats.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from harness.core.config import TrialConfig
from harness.core.quiet_import import quiet_import

with quiet_import():
    import keras
    import numpy as np
    import tensorflow as tf

    from harness.data.load import load_dataset
    from harness.models.convolution import gain
    from harness.models.layers.transform_convolution import TransformConv2DTranspose
    from tests.benchmarks.training import harness_loop

KERNEL = (5, 5)
LAYERS = [
    *((7, 64 * times, 32 * times, batch) for batch in (64, 256) for times in (1, 2, 4)),
    (14, 256, 128, 64),
]
"""Map, channels, filters, batch: the tutorial's layer, and the largest of upsampling's."""

STEPS = [(0.25, 64, 16), (1.0, 256, 1)]
"""Width, batch, steps in a round: the size of the quickstart, and of the publication."""

MULTIPLY_ADDS = 1e9
"""The least of a round of the layer; fewer take less time than the clock's noise."""


class Ratio(NamedTuple):
    """Median CPU seconds of ``direct`` and of ``transform``, for the same work."""

    direct: float
    transform: float

    @property
    def times(self) -> float:
        """How many times as fast ``transform`` is."""
        return self.direct / self.transform


def compare(work: dict[str, Callable[[], object]], rounds: int) -> Ratio:
    """The work ``direct`` and ``transform`` in turn, ``rounds`` times, after once to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(1 + rounds):
        for name, run in work.items():
            began = time.process_time()
            run()
            seconds[name].append(time.process_time() - began)
    return Ratio(**{name: statistics.median(found[1:]) for name, found in seconds.items()})


def layer(size: int, channels: int, filters: int, batch_size: int, rounds: int) -> Ratio:
    """Forward pass and both gradients of one layer without bias, padding ``same``."""
    rng = np.random.default_rng(0)
    shape = (batch_size, size, size, channels)
    maps = tf.constant(rng.normal(size=shape), tf.float32)
    upstream = tf.constant(rng.normal(size=(*shape[:3], filters)), tf.float32)
    repeats = -(-MULTIPLY_ADDS // (batch_size * size**2 * 25 * channels * filters))

    def work(kind: type[keras.layers.Layer]) -> Callable[[], object]:
        made = kind(filters, KERNEL, padding="same", use_bias=False)
        made.build(shape)

        @tf.function(autograph=False)
        def pass_through() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(maps)
                outputs = made(maps)
            gradients: list[tf.Tensor] = tape.gradient(outputs, [maps, made.kernel.value], upstream)
            return [outputs, *gradients]

        return lambda: [pass_through()[0].numpy() for _ in range(int(repeats))]

    kinds = {"direct": keras.layers.Conv2DTranspose, "transform": TransformConv2DTranspose}
    return compare({name: work(kind) for name, kind in kinds.items()}, rounds)


def step(config: TrialConfig, steps: int, rounds: int) -> Ratio:
    """Whole training steps of ``config`` on the digits."""
    dataset = load_dataset("digits")
    schedule = [steps * config.batch_size] * (1 + rounds)
    loops = {
        name: harness_loop(config.replace(convolution=name), dataset, schedule)
        for name in ("direct", "transform")
    }
    return compare({name: lambda loop=loop: next(loop) for name, loop in loops.items()}, rounds)


def main(rounds: int = 5) -> None:
    """Measure and print."""
    columns = ("direct, CPU ms", "transform, CPU ms", "times as fast", "multiply-adds")
    table = Table("maps", "channels", "batch", *columns, title="Layer: forward and both gradients")
    for size, channels, filters, batch_size in LAYERS:
        found = layer(size, channels, filters, batch_size, rounds)
        fewer = gain((size, size), KERNEL, channels, filters, batch_size)
        sizes = (f"{size}x{size}", f"{channels} to {filters}", str(batch_size))
        table.add_row(*sizes, *_words(found), f"{fewer:.2f} times fewer")
    Console().print(table)
    table = Table("width", "batch", *columns[:3], title="Whole step, tutorial, simultaneous")
    for width, batch_size, steps in STEPS:
        config = TrialConfig(width=width, batch_size=batch_size, images=10**9)
        table.add_row(f"{width:g}", str(batch_size), *_words(step(config, steps, rounds)))
    Console().print(table)


def _words(found: Ratio) -> tuple[str, str, str]:
    return f"{1e3 * found.direct:.1f}", f"{1e3 * found.transform:.1f}", f"{found.times:.2f}"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
