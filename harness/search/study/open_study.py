"""An open study: one object for a study in both stores, kept by each process that works at it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Self

import optuna
from optuna.storages import RDBStorage

from harness.core.errors import InputError
from harness.core.interruption import interruption
from harness.core.schema import BEST, StudyAttribute
from harness.core.spec.study_spec import StudySpec
from harness.search.study.agreement import check_agreement
from harness.search.study.lock import study_lock
from harness.search.study.storage import find_study, load_or_create_study
from harness.search.study.trials import best_so_far, trial_endings
from harness.tracking.tracker import StudyStatus, StudyTracker, Tracker

Inputs = Mapping[StudyAttribute, str | None]
"""What a study must be resumed with: attribute -> sha256, None where there is no such file."""

NO_INPUTS: Inputs = MappingProxyType({})

_DIFFERENCES = {
    StudyAttribute.DATASET: "on other data",
    StudyAttribute.WEIGHTS: "with other extractor weights",
}


@dataclass(frozen=True)
class OpenStudy:
    """A study in both stores: its declaration, Optuna's storage and study, its MLflow run.

    As a context manager it is closed as FINISHED, after an exception as FAILED, after Ctrl-C as
    KILLED. A worker process does not use the block: the supervisor closes the study for all.
    """

    spec: StudySpec
    storage: RDBStorage
    study: optuna.Study
    run: StudyTracker

    def lock(self, purpose: str = "") -> AbstractContextManager[None]:
        """A context in which no other process holds the study's lock for ``purpose``."""
        return study_lock(self.storage, self.spec.name, purpose)

    def reconcile(self) -> None:
        """End the MLflow runs of the study's trials as Optuna says that the trials ended."""
        with self.lock("reconciliation"):
            self.run.reconcile(lambda: trial_endings(self.study, self.spec))
            self._log_best()

    def log_best(self) -> None:
        """Write the best value up to each trial to the study's run, for a search."""
        with self.lock("reconciliation"):
            self._log_best()

    def _log_best(self) -> None:
        if self.spec.space:
            self.run.log_best(f"{BEST}{self.spec.search.metric}", best_so_far(self.study))

    def close(self, status: StudyStatus) -> None:
        """Reconcile the runs, end the study's run as ``status``, note the end of the session."""
        self.reconcile()
        self.run.finish(status)
        self.study.set_user_attr(StudyAttribute.OPEN, False)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the study; a failure to do so is a note of ``error``, if there is one."""
        if error is None:
            self.close("FINISHED")
            return
        try:
            self.close("KILLED" if interruption.caused(error) else "FAILED")
        except Exception as second:
            error.add_note(f"The study's run {self.run.run_id} could not be ended: {second}")


def open_study(
    spec: StudySpec, storage: RDBStorage, tracker: Tracker, inputs: Inputs = NO_INPUTS
) -> OpenStudy:
    """The study called ``spec.name``, new or resumed, noted as open in Optuna's storage.

    Raises InputError for a study that was declared otherwise, that began with other ``inputs``,
    that one of the stores has lost, or that MLflow refuses. MLflow is asked first: a study that it
    refuses is not created in Optuna.
    """
    with study_lock(storage, spec.name):
        found = find_study(spec, storage)
        if found is not None:
            _check_inputs(found, inputs)
        recorded = tracker.trial_numbers(spec.name)
        trials = found.get_trials(deepcopy=False) if found else []
        check_agreement(spec.name, trials, recorded, storage.url)
        run = tracker.open_study(spec)
        try:
            study = found or load_or_create_study(spec, storage)
        except BaseException:
            run.finish("KILLED")  # no later session would know of it
            raise
        study.set_user_attr(StudyAttribute.OPEN, True)
        for attribute, sha256 in inputs.items():
            if sha256 is not None:
                study.set_user_attr(attribute, sha256)
    return OpenStudy(spec, storage, study, run)


def _check_inputs(study: optuna.Study, inputs: Inputs) -> None:
    """Raise InputError if the study began with other ``inputs`` than these."""
    for attribute, sha256 in inputs.items():
        before = study.user_attrs.get(attribute)
        if before is not None and sha256 is not None and before != sha256:
            raise InputError(
                f"study {study.study_name!r} began {_DIFFERENCES[attribute]} (sha256 "
                f"{before[:12]}, now {sha256[:12]}); give this one another --study-name"
            )
