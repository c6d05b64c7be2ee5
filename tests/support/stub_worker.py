"""A worker whose trials cost nothing, as a process.

Its arguments: storage, total of trials, seconds of a trial, probability to die in one.
"""

from __future__ import annotations

import math
import os
import random
import signal
import sys
import time

from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import Event
from harness.search.study.lock import study_lock
from harness.search.study.open_study import OpenStudy
from harness.search.study.storage import load_or_create_study, open_storage
from harness.search.workers.trial_queue import TrialQueue
from harness.search.workers.worker import run_trials
from tests.support.memory_tracker import MemoryStudy

SPEC = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}, "optimizer": {"choices": ["adam"]}},
        "search": {"num_trials": 2_000, "sampler": "random", "pruner": "none"},
    },
    name="stub",
)


class CountedRuns(MemoryStudy):
    """A tracked study whose reconciliation calls ``reconciled`` and reads no runs."""

    def __init__(self, reconciled=lambda: None):
        super().__init__("1", SPEC)
        self.reconciled = reconciled

    def reconcile(self, read_endings):
        self.reconciled()
        return []


def trial_queue(url, total, spec=SPEC, reconcile=lambda: None):
    storage = open_storage(url)
    with study_lock(storage, spec.name):
        study = load_or_create_study(spec, storage)
    return TrialQueue(OpenStudy(spec, storage, study, CountedRuns(reconcile)), total)


def ignore(event: Event) -> None:
    """A listener that does nothing."""


def objective(seconds=0.0, die=0.0):
    """Takes ``seconds``; with probability ``die`` the process kills itself instead, as -9 does."""

    def run(trial):
        slope = trial.params["leaky_slope"]
        if random.random() < die:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(seconds)
        return math.sin(slope)

    return run


if __name__ == "__main__":
    url, total, seconds, die = sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:])
    run_trials(trial_queue(url, total), objective(seconds, die), ignore)
