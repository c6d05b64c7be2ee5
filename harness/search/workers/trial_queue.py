"""The trials of a study, handed out one by one: never one too many, never the same one twice.

Many processes may hand out at once; each does it in its turn. In that turn a worker sees the whole
study as it stands, closes what dead workers left behind, queues it again, and takes a trial with
all its parameters, so that the next in turn proposes something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from harness.core.schema import TrialAttribute
from harness.core.spec.study_spec import StudySpec
from harness.search.study.lock import study_lock
from harness.search.study.space import distributions
from harness.search.study.trials import counted, requeue_interrupted
from harness.search.workers.heartbeat import close_stale


@dataclass(frozen=True)
class Assignment:
    """What a worker gets: a ``trial`` to run, or None; how the study stands at that moment.

    done: trials that count, of ``total``. running: trials under way, this one included. abandoned:
    numbers of the trials that were closed because their workers are gone.
    """

    trial: optuna.Trial | None
    trial_id: int | None
    done: int
    running: int
    total: int
    abandoned: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether no trial is left to run, here or anywhere."""
        return self.done >= self.total


class TrialQueue:
    """Hands out the trials of one study to one worker."""

    def __init__(
        self,
        spec: StudySpec,
        study: optuna.Study,
        storage: RDBStorage,
        *,
        total: int,
        reconcile: Callable[[], object],
    ) -> None:
        """Up to ``total`` trials of ``study``, which is the one that ``spec`` declares.

        ``reconcile`` ends the tracked runs as the storage says that their trials ended.
        """
        self.storage = storage
        self.study = study
        self._space = distributions(spec)
        self._total = total
        self._reconcile = reconcile
        self._reconciled = False
        self._study_id = storage.get_study_id_from_name(study.study_name)

    def next_assignment(self, worker: str) -> Assignment:
        """The next trial for the worker called ``worker``, if one is to be had now.

        There is none when the study is complete, nor while as many trials are under way elsewhere
        as are left: one of those may yet come back, if its worker dies.
        """
        with study_lock(self.storage, self.study.study_name):
            trials = self._read()
            abandoned = tuple(close_stale(self.study, self.storage, trials))
            if abandoned:
                trials = self._read()
            requeue_interrupted(self.study, self._space, trials)
            done = len(counted(trials))
            running = sum(trial.state == TrialState.RUNNING for trial in trials)
            trial = trial_id = None
            if done + running < self._total:
                trial = self.study.ask(self._space)
                trial_id = self._id(trial.number)
                self.storage.record_heartbeat(trial_id)
                self.storage.set_trial_user_attr(trial_id, TrialAttribute.WORKER, worker)
                running += 1
        if abandoned or not self._reconciled:
            self.reconcile()
        return Assignment(trial, trial_id, done, running, self._total, abandoned)

    def reconcile(self) -> None:
        """End the tracked runs that say something else than the storage."""
        self._reconcile()
        self._reconciled = True

    def _read(self) -> list[FrozenTrial]:
        """All trials, once for everything that a turn decides: reading them takes most of it."""
        return self.study.get_trials(deepcopy=False)

    def _id(self, number: int) -> int:
        return self.storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
