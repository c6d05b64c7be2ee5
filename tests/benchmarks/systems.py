"""Time and size of every architecture under the procedure that it was published with.

``python -m tests.benchmarks.systems [IMAGES ROUNDS WIDTH]`` prints the table. Times compare within
one table alone: the systems take turns, and the best round of each counts.
"""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from harness.core.config import TrialConfig
from harness.core.quiet_import import quiet_import

with quiet_import():
    from harness.data.load import load_dataset
    from harness.models.networks import build_networks
    from tests.benchmarks.training import harness_loop

BATCH_SIZE = 64
SYSTEMS = {
    "tutorial": "simultaneous",
    "upsampling": "stacked",
    "latent_conv": "alternating",
    "radford": "alternating",
    "mlp": "alternating",
}
"""Architecture -> procedure. Radford et al. do not say how their updates take turns."""


class Row(NamedTuple):
    """One system: parameters of both networks, seconds per 1,000 training images."""

    architecture: str
    generator: int
    discriminator: int
    seconds: float


def run(images: int, rounds: int, width: float) -> list[Row]:
    """One row per system, the best of ``rounds`` interleaved rounds after a warm-up."""
    dataset = load_dataset("digits")
    schedule = [2 * BATCH_SIZE, *[images] * rounds]
    configs = [
        TrialConfig(
            architecture=name, procedure=procedure, width=width, batch_size=BATCH_SIZE, images=10**9
        )
        for name, procedure in SYSTEMS.items()
    ]
    loops = [harness_loop(config, dataset, schedule) for config in configs]
    for train in loops:
        next(train)
    best = [float("inf")] * len(loops)
    for _ in range(rounds):
        for index, train in enumerate(loops):
            began = time.perf_counter()
            next(train)
            best[index] = min(best[index], time.perf_counter() - began)
    rows = []
    for config, seconds in zip(configs, best, strict=True):
        networks = build_networks(config, dataset.image_shape, dataset.num_classes)
        counts = [network.count_params() for network in networks]
        rows.append(Row(config.architecture, *counts, seconds * 1_000 / images))
    return rows


def table(rows: list[Row], width: float) -> Table:
    """The rows as a table, with each time's ratio to the first row's."""
    headings = ("architecture", "procedure", "generator", "discriminator", "s / 1,000", "ratio")
    result = Table(*headings, title=f"Systems, width {width:g}, batch {BATCH_SIZE}, 28x28x1")
    for row in rows:
        counts = (f"{row.generator:,}", f"{row.discriminator:,}")
        times = (f"{row.seconds:.2f}", f"{row.seconds / rows[0].seconds:.2f}")
        result.add_row(row.architecture, SYSTEMS[row.architecture], *counts, *times)
    return result


def main(images: int = 1_280, rounds: int = 3, width: float = 1.0) -> None:
    """Measure and print."""
    Console().print(table(run(images, rounds, width), width))


if __name__ == "__main__":
    main(*[kind(text) for kind, text in zip((int, int, float), sys.argv[1:], strict=False)])
