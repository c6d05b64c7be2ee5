"""Convolutions, ``direct`` beside ``transform``, in CPU seconds.

``python -m tests.benchmarks.convolution [ROUNDS]`` prints two tables: the layer alone, and whole
training steps. CPU seconds of the process are compared, in rounds that take turns, by their median,
since on a machine that does other things as well nothing else repeats.
"""

from __future__ import annotations

import sys
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
    from harness.models.convolution import Sizes, gain
    from harness.models.layers.transform_convolution import (
        TransformConv2D,
        TransformConv2DTranspose,
    )
    from tests.benchmarks.timing import cpu_medians
    from tests.benchmarks.training import harness_loop

WIDTHS = (0.25, 0.5, 1.0)
KERNEL = (5, 5)


class Layer(NamedTuple):
    """A layer of some network: whether it is transposed, its sizes, and the batch."""

    transposed: bool
    sizes: Sizes
    batch_size: int

    def shape(self, *, small: bool) -> tuple[int, int, int, int]:
        """(N, H, W, C) of the small maps or of the large ones."""
        sizes, times = self.sizes, 1 if small else self.sizes.stride
        height, width = (length * times for length in sizes.map_size)
        return self.batch_size, height, width, sizes.small if small else sizes.large

    @property
    def words(self) -> tuple[str, str, str]:
        """Maps, channels and batch."""
        before, after = self.shape(small=self.transposed), self.shape(small=not self.transposed)
        maps = f"{before[1]}x{before[2]} to {after[1]}x{after[2]}"
        return maps, f"{before[3]} to {after[3]}", str(self.batch_size)


def _tutorial(width: float, batch_size: int) -> list[Layer]:
    """Those of the tutorial's layers that see no image: two of the generator, the third behind."""
    first, second, third = (round(width * channels) for channels in (256, 128, 64))
    halved = Sizes((7, 7), KERNEL, 2, second, third)
    unstrided = Layer(True, Sizes((7, 7), KERNEL, 1, first, second), batch_size)
    return [unstrided, Layer(True, halved, batch_size), Layer(False, halved, batch_size)]


LAYERS = [
    *(layer for batch in (64, 256) for width in WIDTHS for layer in _tutorial(width, batch)),
    Layer(True, Sizes((14, 14), KERNEL, 1, 256, 128), 64),
]
"""The tutorial's layers, and the largest of upsampling's."""

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


def layer(made: Layer, rounds: int) -> Ratio:
    """Forward pass and both gradients of one layer without bias, padding ``same``."""
    rng = np.random.default_rng(0)
    before, after = made.shape(small=made.transposed), made.shape(small=not made.transposed)
    maps = tf.constant(rng.normal(size=before), tf.float32)
    upstream = tf.constant(rng.normal(size=after), tf.float32)
    positions = made.sizes.map_size[0] * made.sizes.map_size[1]
    taps = KERNEL[0] * KERNEL[1] * made.sizes.small * made.sizes.large
    repeats = -(-MULTIPLY_ADDS // (made.batch_size * positions * taps))

    def work(kind: type[keras.layers.Layer]) -> Callable[[], object]:
        made_layer = kind(after[3], KERNEL, made.sizes.stride, padding="same", use_bias=False)
        made_layer.build(before)

        @tf.function(autograph=False)
        def pass_through() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(maps)
                outputs = made_layer(maps)
            weights = made_layer.kernel.value
            return [outputs, *tape.gradient(outputs, [maps, weights], upstream)]

        return lambda: [pass_through()[0].numpy() for _ in range(int(repeats))]

    kinds = {"direct": keras.layers.Conv2D, "transform": TransformConv2D}
    if made.transposed:
        kinds = {"direct": keras.layers.Conv2DTranspose, "transform": TransformConv2DTranspose}
    return Ratio(**cpu_medians({name: work(kind) for name, kind in kinds.items()}, rounds))


def step(config: TrialConfig, steps: int, rounds: int) -> Ratio:
    """Whole training steps of ``config`` on the digits."""
    dataset = load_dataset("digits")
    schedule = [steps * config.batch_size] * (1 + rounds)
    loops = {
        name: harness_loop(config.replace(convolution=name), dataset, schedule)
        for name in ("direct", "transform")
    }
    rounds_of = {name: lambda loop=loop: next(loop) for name, loop in loops.items()}
    return Ratio(**cpu_medians(rounds_of, rounds))


def main(rounds: int = 5) -> None:
    """Measure and print."""
    columns = ("direct, CPU ms", "transform, CPU ms", "times as fast", "multiply-adds")
    table = Table("maps", "channels", "batch", *columns, title="Layer: forward and both gradients")
    for made in LAYERS:
        fewer = f"{gain(made.sizes, made.batch_size):.2f} times fewer"
        table.add_row(*made.words, *_words(layer(made, rounds)), fewer)
    Console(width=120).print(table)
    table = Table("width", "batch", *columns[:3], title="Whole step, tutorial, simultaneous")
    for width, batch_size, steps in STEPS:
        config = TrialConfig(width=width, batch_size=batch_size, images=10**9)
        table.add_row(f"{width:g}", str(batch_size), *_words(step(config, steps, rounds)))
    Console(width=120).print(table)


def _words(found: Ratio) -> tuple[str, str, str]:
    return f"{1e3 * found.direct:.1f}", f"{1e3 * found.transform:.1f}", f"{found.times:.2f}"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
