"""What an averaged generator costs: a training step, and a report, in CPU seconds.

``python -m tests.benchmarks.averaging [ROUNDS]`` prints two tables. CPU seconds of the process are
compared, in rounds that take turns, by their median.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from harness.core.config import TrialConfig
from harness.core.quiet_import import quiet_import

with quiet_import():
    from harness.data.load import load_dataset
    from harness.evaluation.classifier.load import load_reference
    from harness.evaluation.evaluator import Evaluator
    from harness.training.loop import Trainer
    from tests.benchmarks.training import harness_loop

EMA = 0.1
STEPS = [(0.25, 64, 100), (1.0, 256, 10)]
"""Width, batch, steps in a round: the size of the quickstart, and of the publication."""
NUM_SAMPLES = 2_000


def in_turn(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each piece of work, all in turn, after once to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(1 + rounds):
        for name, run in work.items():
            began = time.process_time()
            run()
            seconds[name].append(time.process_time() - began)
    return {name: statistics.median(found[1:]) for name, found in seconds.items()}


def step(config: TrialConfig, steps: int, rounds: int) -> dict[str, float]:
    """A round of training steps of ``config`` without and with an average."""
    dataset = load_dataset("digits")
    schedule = [steps * config.batch_size] * (1 + rounds)
    loops = {ema: harness_loop(config.replace(ema=ema), dataset, schedule) for ema in (0.0, EMA)}
    return in_turn(
        {f"ema {ema:g}": lambda loop=loop: next(loop) for ema, loop in loops.items()}, rounds
    )


def report(config: TrialConfig, num_samples: int, rounds: int) -> dict[str, float]:
    """What a report of the quickstart is made of."""
    dataset = load_dataset("digits")
    trainer = Trainer(config.replace(ema=EMA), dataset)
    with TemporaryDirectory() as folder:
        evaluator = Evaluator(dataset, load_reference(dataset, Path(folder)), num_samples)
    images = trainer.generate(num_samples)
    work = {
        "images": lambda: trainer.generate(num_samples),
        "all scores": lambda: evaluator.score(images),
        "fid_raw: other images, fid alone": lambda: evaluator.fid(
            trainer.generate_raw(num_samples)
        ),
    }
    return in_turn(work, rounds)


def main(rounds: int = 5) -> None:
    """Measure and print."""
    table = Table(
        "width", "batch", "without, CPU ms", f"ema {EMA:g}, CPU ms", "ratio", title="A step"
    )
    for width, batch_size, steps in STEPS:
        config = TrialConfig(width=width, batch_size=batch_size, images=10**6)
        plain, averaged = (1e3 * found / steps for found in step(config, steps, rounds).values())
        row = (f"{plain:.2f}", f"{averaged:.2f}", f"{averaged / plain:.3f}")
        table.add_row(f"{width:g}", str(batch_size), *row)
    Console().print(table)
    table = Table("part", "CPU s", title=f"A report of {NUM_SAMPLES:,} images, width 0.25")
    config = TrialConfig(width=0.25, batch_size=64)
    for name, seconds in report(config, NUM_SAMPLES, rounds).items():
        table.add_row(name, f"{seconds:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
