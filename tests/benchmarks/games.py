"""What losses, penalties, normalizations and remedies cost: CPU milliseconds a training step.

``python -m tests.benchmarks.games [ROUNDS] [STEPS]`` prints, for each, the median of rounds that
take turns with the default's, and how many times as much that is. CPU seconds of the process, since
on a machine that does other things as well nothing else repeats.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from harness.core.config import CHOICES, TrialConfig
from harness.core.quiet_import import quiet_import
from harness.core.registry import LOSSES, PENALTIES

with quiet_import():
    from harness.data.load import load_dataset
    from tests.benchmarks.timing import cpu_medians
    from tests.benchmarks.training import harness_loop

DEFAULT = TrialConfig(
    width=0.25, batch_size=64, procedure="alternating", dataset="digits", images=10**9
)
"""The size of the quickstart."""

CHANGES: list[dict[str, str | int]] = [
    *({"loss": name} for name in LOSSES.names()),
    *({"penalty": name} for name in PENALTIES.names()),
    *({"discriminator_normalization": one} for one in CHOICES["discriminator_normalization"]),
    {"discriminator_steps": 2},
    {"discriminator_steps": 5},
    {"packing": 2},
    {"packing": 4},
    {"minibatch_std": "batch"},
    {"augmentation": "classic"},
    {"augmentation": "diffaugment"},
]


def measure(change: dict[str, str | int], rounds: int, steps: int) -> tuple[float, float]:
    """Median CPU seconds of a step by default and with ``change``, after a round to warm up."""
    dataset = load_dataset(DEFAULT.dataset)
    configs = {"default": DEFAULT, "changed": DEFAULT.replace(**change)}
    loops = {
        name: harness_loop(config, dataset, [steps * config.images_per_step] * (1 + rounds))
        for name, config in configs.items()
    }
    work = {name: lambda loop=loop: next(loop) for name, loop in loops.items()}
    found = cpu_medians(work, rounds)
    return found["default"] / steps, found["changed"] / steps


def main(rounds: int = 5, steps: int = 8) -> None:
    """Measure and print, one by one as they are found."""
    console = Console()
    table = Table("what", "default, CPU ms a step", "CPU ms a step", "ratio")
    for change in CHANGES:
        if all(getattr(DEFAULT, name) == value for name, value in change.items()):
            continue
        default, changed = measure(change, rounds, steps)
        words = ", ".join(f"{name} = {value}" for name, value in change.items())
        row = (words, f"{1e3 * default:.0f}", f"{1e3 * changed:.0f}", f"{changed / default:.2f}")
        table.add_row(*row)
        console.print(*row, sep="  ")
    console.print(table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
