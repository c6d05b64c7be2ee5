"""The trial queue of a study: hands out exactly the trials that are wanted, each one once.

Many processes may hand out trials at once; each does so under the study lock. Under the lock a
worker reads the whole study, closes the trials of stale workers, queues their configurations again
and takes a trial with all its parameters, so that the next worker is proposed something else.
"""

from __future__ import annotations

from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from harness.core.schema import TrialAttribute
from harness.search.study.open_study import OpenStudy
from harness.search.study.space import distributions
from harness.search.study.trials import counted, requeue_interrupted
from harness.search.workers.heartbeat import close_stale


@dataclass(frozen=True)
class Assignment:
    """What a worker is handed: a ``trial`` to run, or None; and how many trials the study has.

    done: trials that count, of ``total``. running: trials that run now, this one included. stale:
    numbers of the trials that were closed because their workers are gone.
    """

    trial: optuna.Trial | None
    trial_id: int | None
    done: int
    running: int
    total: int
    stale: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether no trial is left to run, here or elsewhere."""
        return self.done >= self.total


class TrialQueue:
    """Hands out the trials of one study to one worker."""

    def __init__(self, opened: OpenStudy, total: int) -> None:
        """Hand out trials until the study has ``total``."""
        self.opened = opened
        self._space = distributions(opened.spec)
        self._total = total
        self._reconciled = False
        self._study_id = opened.storage.get_study_id_from_name(opened.study.study_name)

    def next_assignment(self, worker: str) -> Assignment:
        """The next trial for the worker called ``worker``, if there is one now.

        There is none when the study is complete, nor while as many trials run elsewhere as are
        left: one of those is handed out again if its worker dies.
        """
        study, storage = self.opened.study, self.opened.storage
        with self.opened.lock():
            trials = self._read()
            stale = tuple(close_stale(study, storage, trials))
            if stale:
                trials = self._read()
            requeue_interrupted(study, self._space, trials)
            done = len(counted(trials))
            running = sum(trial.state == TrialState.RUNNING for trial in trials)
            trial = trial_id = None
            if done + running < self._total:
                trial = study.ask(self._space)
                trial_id = self._id(trial.number)
                storage.record_heartbeat(trial_id)
                storage.set_trial_user_attr(trial_id, TrialAttribute.WORKER, worker)
                running += 1
        if stale or not self._reconciled:
            self.reconcile()
        return Assignment(trial, trial_id, done, running, self._total, stale)

    def close_stale(self) -> None:
        """End the trials whose workers are gone, as interrupted."""
        with self.opened.lock():
            close_stale(self.opened.study, self.opened.storage)

    def reconcile(self) -> None:
        """End the MLflow runs of trials as Optuna says that the trials ended."""
        self.opened.reconcile()
        self._reconciled = True

    def _read(self) -> list[FrozenTrial]:
        """All trials. Reading takes most of the time under the lock, so it is done once."""
        return self.opened.study.get_trials(deepcopy=False)

    def _id(self, number: int) -> int:
        storage = self.opened.storage
        return storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
