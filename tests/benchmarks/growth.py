"""What a trial costs besides its training, and how that grows with the trials of a study.

``python -m tests.benchmarks.growth [TRIALS ...]`` (default: 100 1000) runs the last fifty trials of
studies of so many: trials that train nothing and report three times, handed out by the trial queue
on SQLite. Most trials before them are copies of twenty that ran, with other values, since thousands
would take hours. Each size has a process of its own. It prints CPU milliseconds of one of the
fifty; of them, those to hand it out, under the study lock; CPU seconds for a worker to open the
study and run its first trial; and the memory of the process.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna import Trial
from optuna.trial import FrozenTrial, create_trial
from rich.console import Console
from rich.table import Table

from harness.core.spec.study_spec import StudySpec
from harness.search.workers.trial_queue import Assignment, TrialQueue
from harness.search.workers.worker import run_trials
from tests.support.stub_worker import ignore, trial_queue

COLUMNS = ("trials", "CPU ms a trial", "to hand it out", "to open, s", "memory, MB")
MEASURED = 50
MODELS = 20
"""Trials that run in a new study, from which the others are copied."""

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
    """Of the last trials of a study of ``trials``: CPU seconds of one, and those to hand it out.

    opening: CPU seconds for the study to be opened and the first of these to be run. memory: the
    most bytes that the process held.
    """

    trials: int
    trial: float
    assignment: float
    opening: float
    memory: int

    def row(self) -> tuple[str, ...]:
        """The texts below COLUMNS."""
        times = (f"{1e3 * self.trial:.0f}", f"{1e3 * self.assignment:.0f}", f"{self.opening:.1f}")
        return (f"{self.trials:,}", *times, f"{self.memory / 1e6:.0f}")


def costs(counts: Sequence[int], folder: Path, measured: int = MEASURED) -> Iterator[Cost]:
    """What the last ``measured`` trials cost, for each of the ``counts`` of trials."""
    for count in counts:
        url = f"sqlite:///{folder / f'{count}.db'}"
        _alone(fill, url, count - measured - 1)
        yield _alone(measure, url, count, measured)


def _alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """What ``function`` returns, from a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def fill(url: str, number: int) -> None:
    """Give the study at ``url`` ``number`` trials; those beyond MODELS are copies."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    queue = trial_queue(url, min(number, MODELS), SPEC)
    run_trials(queue, _trial, ignore)
    study, rng = queue.opened.study, np.random.default_rng(0)
    models = study.trials
    study.add_trials([_copy(models[k % MODELS], rng) for k in range(number - len(models))])


def _copy(model: FrozenTrial, rng: np.random.Generator) -> FrozenTrial:
    """``model`` with parameters drawn at random and the values that these have."""
    params = {
        "leaky_slope": float(rng.uniform(0.0, 0.4)),
        "learning_rate": float(10 ** rng.uniform(-4, -2)),
        "optimizer": str(rng.choice(["adam", "rmsprop", "lion"])),
    }
    value = _value(params)
    return create_trial(
        state=model.state,
        value=value,
        params=params,
        distributions=model.distributions,
        user_attrs=model.user_attrs,
        system_attrs=model.system_attrs,
        intermediate_values={seen: value + 1.0 / seen for seen in REPORTS},
    )


def measure(url: str, count: int, measured: int) -> Cost:
    """Run the trials that the study at ``url`` lacks of ``count``; what the last cost."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    began = time.process_time()
    opened = trial_queue(url, count, SPEC).opened
    run_trials(TrialQueue(opened, count - measured), _trial, ignore)
    opening, began = time.process_time() - began, time.process_time()
    queue = TimedQueue(opened, count)
    run_trials(queue, _trial, ignore)
    trial = (time.process_time() - began) / measured
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Cost(count, trial, queue.seconds / measured, opening, memory)


class TimedQueue(TrialQueue):
    """A trial queue that adds up the CPU ``seconds`` in which it hands out trials."""

    seconds = 0.0

    def next_assignment(self, worker: str) -> Assignment:
        """As of a TrialQueue."""
        began = time.process_time()
        found = super().next_assignment(worker)
        self.seconds += time.process_time() - began
        return found


def _value(params: Mapping[str, Any]) -> float:
    """Better near a slope of 0.1 and a rate of 0.001."""
    return float(abs(params["leaky_slope"] - 0.1) + abs(params["learning_rate"] - 1e-3))


def _trial(trial: Trial) -> float:
    """Reports as often as REPORTS says; never worse than the pruner allows."""
    value = _value(trial.params)
    for images_seen in REPORTS:
        trial.report(value + 1.0 / images_seen, images_seen)
        trial.should_prune()
    return value


def main(*counts: int) -> None:
    """Run and print; each row when it is known."""
    table = Table(*COLUMNS)
    with TemporaryDirectory() as folder:
        for cost in costs(counts or (100, 1_000), Path(folder)):
            table.add_row(*cost.row())
            print(*cost.row(), flush=True)
    Console().print(table)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
