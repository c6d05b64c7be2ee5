"""What an averaged generator costs: a training step, the average alone, a report, in CPU seconds.

``python -m tests.benchmarks.averaging [ROUNDS]`` prints a table of each. CPU seconds of the process
are compared, in rounds that take turns, by their median.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from harness.core.config import TrialConfig
from harness.core.quiet_import import quiet_import

with quiet_import():
    import tensorflow as tf

    from harness.data.load import load_dataset
    from harness.evaluation.classifier.load import load_reference
    from harness.evaluation.evaluator import Evaluator
    from harness.models.networks import build_networks
    from harness.training.averaging import GeneratorAverage
    from harness.training.loop import Trainer
    from tests.benchmarks.timing import cpu_medians
    from tests.benchmarks.training import harness_loop

EMA = 0.1
STEPS = 20  # of a round: of the quickstart's size they take more than a second
UPDATES = 500  # steps of a round of the average alone
NUM_SAMPLES = 2_000
QUICKSTART = TrialConfig(width=0.25, batch_size=64, images=48_000)


def step(config: TrialConfig, steps: int, rounds: int) -> dict[str, float]:
    """A training step of ``config`` without and with an average."""
    dataset = load_dataset("digits")
    schedule = [steps * config.batch_size] * (1 + rounds)
    loops = {ema: harness_loop(config.replace(ema=ema), dataset, schedule) for ema in (0.0, EMA)}
    work = {f"ema {ema:g}": lambda loop=loop: next(loop) for ema, loop in loops.items()}
    return {name: seconds / steps for name, seconds in cpu_medians(work, rounds).items()}


def update(width: float, steps: int, rounds: int) -> float:
    """What the average adds to a step of the tutorial's network of ``width``, by itself."""
    generator = build_networks(QUICKSTART.replace(width=width), (28, 28, 1), 10).generator
    average = GeneratorAverage(generator, horizon=100)

    @tf.function(autograph=False)
    def take_steps() -> tf.Tensor:
        def take_step(number: tf.Tensor) -> tf.Tensor:
            average.update(number)
            return number + 1

        return tf.while_loop(lambda number: number < steps, take_step, [tf.constant(0)])

    return cpu_medians({"update": take_steps}, rounds)["update"] / steps


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
        "fid_raw, images included": lambda: evaluator.fid(trainer.generate_raw(num_samples)),
    }
    return cpu_medians(work, rounds)


def main(rounds: int = 15) -> None:
    """Measure and print."""
    steps = step(QUICKSTART.replace(images=10**6), STEPS, rounds)
    alone = {
        f"average alone, width {width:g}": update(width, UPDATES, rounds) for width in (0.25, 1)
    }
    table = Table("part", "CPU ms", title="A training step: width 0.25, batch 64")
    for name, seconds in {**steps, **alone}.items():
        table.add_row(name, f"{1e3 * seconds:.2f}")
    Console().print(table)
    table = Table("part", "CPU s", title=f"A report of {NUM_SAMPLES:,} images, width 0.25")
    for name, seconds in report(QUICKSTART, NUM_SAMPLES, rounds).items():
        table.add_row(name, f"{seconds:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
