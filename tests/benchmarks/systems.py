"""Time and size of every architecture under the procedure that it was published with.

``python -m tests.benchmarks.systems [IMAGES ROUNDS WIDTH]`` prints the table. Times compare within
one table alone: the systems take turns, and the median of the rounds counts.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from harness.core.config import TrialConfig
from harness.core.quiet_import import quiet_import

with quiet_import():
    from harness.data.load import load_dataset
    from harness.models.networks import build_networks
    from tests.benchmarks.timing import Seconds, in_turn, median
    from tests.benchmarks.training import harness_loop
    from tests.benchmarks.work import Work, step_work

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
    """One system: parameters of both networks, seconds and multiply-adds of an image."""

    architecture: str
    generator: int
    discriminator: int
    seconds: Seconds
    work: Work

    def record(self) -> dict[str, Any]:
        """The row in plain types, for JSON."""
        return {
            **self._asdict(),
            "procedure": SYSTEMS[self.architecture],
            "seconds": self.seconds._asdict(),
            "work": self.work._asdict(),
        }


def run(images: int, rounds: int, width: float) -> list[Row]:
    """One row per system, the median of ``rounds`` that take turns, after one to warm up."""
    dataset = load_dataset("digits")
    schedule = [images] * (1 + rounds)
    configs = {
        name: TrialConfig(
            architecture=name, procedure=procedure, width=width, batch_size=BATCH_SIZE, images=10**9
        )
        for name, procedure in SYSTEMS.items()
    }
    loops = {name: harness_loop(config, dataset, schedule) for name, config in configs.items()}
    found = in_turn({name: lambda one=one: next(one) for name, one in loops.items()}, rounds)
    rows = []
    for name, config in configs.items():
        networks = build_networks(config, dataset.image_shape, dataset.num_classes)
        counts = [network.count_params() for network in networks]
        seconds = Seconds(*(one / images for one in median(found[name])))
        rows.append(Row(name, *counts, seconds, step_work(networks, config.procedure)))
    return rows


def table(rows: list[Row], width: float) -> Table:
    """The rows as a table, with each CPU time's ratio to the first row's."""
    result = Table(
        *("architecture", "procedure", "generator", "discriminator", "s / 1,000", "CPU s / 1,000"),
        *("ratio", "useful GFLOP / CPU s"),
        title=f"Systems, width {width:g}, batch {BATCH_SIZE}, 28x28x1",
    )
    for row in rows:
        counts = (f"{row.generator:,}", f"{row.discriminator:,}")
        times = [f"{1_000 * one:.2f}" for one in row.seconds]
        ratio = f"{row.seconds.cpu / rows[0].seconds.cpu:.2f}"
        rate = f"{2e-9 * row.work.useful / row.seconds.cpu:.1f}"
        result.add_row(row.architecture, SYSTEMS[row.architecture], *counts, *times, ratio, rate)
    return result


def main(images: int = 1_280, rounds: int = 3, width: float = 1.0) -> list[Row]:
    """Measure and print; what was measured."""
    rows = run(images, rounds, width)
    Console().print(table(rows, width))
    return rows


if __name__ == "__main__":
    main(*[kind(text) for kind, text in zip((int, int, float), sys.argv[1:], strict=False)])
