"""What a trial costs besides its training, and how that grows with the trials of a study.

``python -m tests.benchmarks.growth [TRIALS]`` runs a study whose trials train nothing and report
three times, in one process on SQLite, and prints CPU milliseconds a trial and the memory of the
process after 100, 300, 1,000, 3,000 ... trials, up to TRIALS (default: 1,000).
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from optuna import Trial
from rich.console import Console
from rich.table import Table

from harness.core.spec.study_spec import StudySpec
from harness.search.workers.worker import run_trials
from tests.support.stub_worker import ignore, trial_queue

COUNTS = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
REPORTS = (400, 800, 1_000)
SPEC = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {
            "leaky_slope": {"low": 0.0, "high": 0.4},
            "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
            "optimizer": {"choices": ["adam", "rmsprop", "lion"]},
        },
        "search": {"num_trials": 1_000_000, "pruner": "median"},
    },
    name="growth",
)


class Cost(NamedTuple):
    """After ``trials``: CPU seconds a trial since the row before, and bytes of the process."""

    trials: int
    cpu_seconds: float
    memory: int


def costs(counts: list[int], url: str) -> Iterator[Cost]:
    """What the study at ``url`` costs up to each of the rising ``counts``."""
    before = 0
    for count in counts:
        began = time.process_time()
        run_trials(trial_queue(url, count, SPEC), _trial, ignore)
        seconds = (time.process_time() - began) / (count - before)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        yield Cost(count, seconds, memory)
        before = count


def _trial(trial: Trial) -> float:
    """Better near a slope of 0.1 and a rate of 0.001; never worse than the pruner allows."""
    value = abs(trial.params["leaky_slope"] - 0.1) + abs(trial.params["learning_rate"] - 1e-3)
    for images_seen in REPORTS:
        trial.report(value + 1.0 / images_seen, images_seen)
        trial.should_prune()
    return float(value)


def main(trials: int = 1_000) -> None:
    """Run and print; each row when it is known."""
    counts = [count for count in COUNTS if count < trials] + [trials]
    table = Table("trials", "CPU ms a trial since the row above", "memory, MB")
    with TemporaryDirectory() as folder:
        for cost in costs(counts, f"sqlite:///{Path(folder) / 'optuna.db'}"):
            row = (f"{cost.trials:,}", f"{1e3 * cost.cpu_seconds:.0f}", f"{cost.memory / 1e6:.0f}")
            table.add_row(*row)
            print(*row, flush=True)
    Console().print(table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
