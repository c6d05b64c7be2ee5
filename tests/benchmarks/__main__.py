"""``python -m tests.benchmarks``: the benchmarks that compare with other code, a table each.

``--output`` writes what was measured beside them as JSON; ``--quick`` tries everything at the
smallest size, for which times mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.core.quiet_import import quiet_import

with quiet_import():
    from harness.data.load import load_dataset
    from harness.tracking.environment import describe_environment
    from harness.training.device import effective_threads, prepare_devices
    from tests.benchmarks import comparison, convolution, metrics, systems
    from tests.benchmarks.comparison import Size

QUICK_WIDTH = 0.0625
QUICK_IMAGES = 64


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks at the size that the command line gives."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many counts")
    parser.add_argument("--images", type=int, default=1_280, help="of a round, each architecture")
    parser.add_argument("--width", type=float, default=1.0, help="of the architectures")
    parser.add_argument("--samples", type=int, default=5_000, help="real and generated images")
    parser.add_argument("--dimension", type=int, default=64, help="features of an image")
    parser.add_argument("--output", type=Path, help="a JSON file for what was measured")
    parser.add_argument("--quick", action="store_true", help="one round of the smallest networks")
    given = parser.parse_args(arguments)
    if given.quick:
        given.rounds, given.images, given.width, given.samples = 1, QUICK_IMAGES, QUICK_WIDTH, 100
    measured = loops(given.rounds, given.images, given.width, quick=given.quick)
    if given.output:
        given.output.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    if not given.quick:
        convolution.main(given.rounds)
    metrics.main([str(given.samples), str(given.samples), str(given.dimension)])


def loops(rounds: int, images: int, width: float, *, quick: bool) -> dict[str, Any]:
    """Training beside the peers' and of every architecture, printed; what was measured."""
    console, dataset = Console(width=comparison.WIDTH), load_dataset("digits")
    environment = describe_environment(prepare_devices(), effective_threads())
    sets = ", ".join(environment["instruction_sets"] or ["unknown instruction sets"])
    console.print(f"{environment['cpu']}, {environment['usable_cores']} cores, {sets}")
    load = os.getloadavg()
    sizes = [Size(QUICK_WIDTH, 8, 1)] if quick else comparison.SIZES
    product = (64, 1) if quick else comparison.PRODUCT
    comparisons = []
    for size in sizes:
        comparisons.append(comparison.compare(size, dataset, rounds, product))
        console.print(comparison.table(comparisons[-1]))
    rows = systems.run(images, rounds, width)
    console.print(systems.table(rows, width))
    console.print(
        f"Processes that wanted a core: {load[0]:.1f} before, {os.getloadavg()[0]:.1f} after"
    )
    return {
        "environment": environment,
        "load_average": [load, os.getloadavg()],
        "comparisons": [comparison.record(one) for one in comparisons],
        "systems": {"width": width, "rows": [row.record() for row in rows]},
    }


if __name__ == "__main__":
    main()
