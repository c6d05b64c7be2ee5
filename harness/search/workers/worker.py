"""The work of one process at a study: prepare once, then take a trial, run it, tell its end."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import TrialPruned, UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from harness.core.errors import HarnessError, TakenOverError
from harness.core.quiet_import import quiet_import
from harness.core.schema import StudyAttribute, TrialAttribute
from harness.search.display.events import SearchObserver
from harness.search.plan import StudyPlan
from harness.search.study import open_study as stores
from harness.search.study.lock import study_lock
from harness.search.study.open_study import _check_identity, reconcile
from harness.search.workers.executors import Forwarder, Job, Told, WorkerExit
from harness.search.workers.heartbeat import WorkerIdentity, heartbeat
from harness.search.workers.trial_queue import Assignment, TrialQueue
from harness.tracking.failures import failure_reason, stopped

if TYPE_CHECKING:
    from harness.data.dataset import Dataset
    from harness.search.trial.objective import Objective, TrialRunner
    from harness.tracking.tracker import StudyTracker


POLL_SECONDS = 1.0
"""How often a worker without a trial looks whether there is one for it."""


class Workplace:
    """A study that is ready to be worked at by this process: its storage and its tracked run.

    It begins to exist once networks, data and the MLflow store have been found usable.
    """

    def __init__(
        self,
        plan: StudyPlan,
        storage: RDBStorage,
        observer: SearchObserver,
        *,
        leads: bool = True,
    ) -> None:
        """Load TensorFlow and the data, open or begin the study; InputError if that cannot be.

        One process of each session ``leads``: it writes the study's own files.
        """
        observer.message("loading TensorFlow, the data and the reference classifier")
        with quiet_import():
            from harness.search.trial.setup import check_buildable, load_study_dataset
            from harness.tracking.mlflow_tracker import MlflowTracker

        check_buildable(plan.spec)
        weights = plan.spec.extractor.weights_sha256()
        self._dataset: Dataset = load_study_dataset(plan.spec, plan.data_dir)
        tracker = MlflowTracker(plan.tracking_uri, plan.layout.artifact_root)
        self._plan = plan
        self._leads = leads
        self._storage = storage
        self._observer = observer
        identity = {
            StudyAttribute.DATASET: self._dataset.fingerprint,
            StudyAttribute.WEIGHTS: weights,
        }
        with study_lock(storage, plan.spec.name):
            found = stores.find_study(plan.spec, storage)
            if found is not None:
                _check_identity(found, identity)
            # Where MLflow refuses the study, Optuna must not have begun it.
            self.parent: StudyTracker = tracker.open_study(plan.spec)
            self.study = found or stores.open_study(plan.spec, storage)
            self.study.set_user_attr(StudyAttribute.OPEN, True)
            for attribute, sha256 in identity.items():
                if sha256 is not None:
                    self.study.set_user_attr(attribute, sha256)

    def work(self, total: int, gpu_memory_mb: int | None = None) -> None:
        """Run trials until the study has ``total``, or the plan's time is over."""
        with quiet_import():
            from harness.search.trial.objective import FAILURES

        objective = self._prepare(gpu_memory_mb)
        trial_queue = TrialQueue(
            self._plan.spec,
            self.study,
            self._storage,
            total=total,
            reconcile=partial(reconcile, self.parent, self.study, self._plan.spec, self._storage),
        )
        run_trials(
            trial_queue, objective, self._observer, timeout=self._plan.timeout, catch=FAILURES
        )

    def _prepare(self, gpu_memory_mb: int | None) -> Objective:
        """The objective. The first process of all fills the caches that the others then find."""
        from harness.search.trial.objective import Objective
        from harness.search.trial.setup import log_study_files, log_untrained

        runner = None
        with study_lock(self._storage, self._plan.spec.name, "preparation"):
            first = StudyAttribute.UNTRAINED not in self.study.user_attrs
            if first or self._leads:
                runner = self._runner(gpu_memory_mb)
                log_study_files(runner)
                self.study.set_user_attr(StudyAttribute.SCALE, runner.evaluator.scale)
            if first and runner:
                self.study.set_user_attr(StudyAttribute.UNTRAINED, log_untrained(runner))
        return Objective(runner or self._runner(gpu_memory_mb))

    def _runner(self, gpu_memory_mb: int | None) -> TrialRunner:
        from harness.search.trial.setup import prepare_runner

        plan = self._plan
        return prepare_runner(
            plan.spec, self._dataset, self.parent, self._observer, plan.layout, gpu_memory_mb
        )


def run_trials(
    trial_queue: TrialQueue,
    objective: Callable[[optuna.Trial], float],
    observer: SearchObserver,
    *,
    timeout: float | None = None,
    catch: tuple[type[Exception], ...] = (),
) -> None:
    """Run trials until the study is complete; none begins after ``timeout`` seconds.

    While the last trials run elsewhere it waits for them, to take over from a worker that dies.
    ``catch``: exceptions that end a trial as FAIL; others end it so too and are raised.
    """
    began = time.monotonic()
    waited = False
    with WorkerIdentity() as worker:
        while timeout is None or time.monotonic() - began < timeout:
            assignment = trial_queue.next_assignment(worker.name)
            _tell_standing(assignment, observer)
            if assignment.complete:
                break
            if assignment.trial is not None:
                _run_trial(trial_queue, assignment, objective, observer, catch)
                continue
            if not waited:
                observer.message(
                    f"trials under way elsewhere: {assignment.running}; waiting for them"
                )
                waited = True
            time.sleep(POLL_SECONDS)
    trial_queue.storage.remove_session()


def _run_trial(
    trial_queue: TrialQueue,
    assignment: Assignment,
    objective: Callable[[optuna.Trial], float],
    observer: SearchObserver,
    catch: tuple[type[Exception], ...],
) -> None:
    """Run the assigned trial and tell the storage how it ended."""
    assert assignment.trial is not None
    assert assignment.trial_id is not None
    tell = partial(trial_queue.study.tell, assignment.trial, skip_if_finished=True)
    with heartbeat(trial_queue.storage, assignment.trial_id):
        try:
            tell(objective(assignment.trial))
        except TrialPruned:
            tell(state=TrialState.PRUNED)
        except (TakenOverError, UpdateFinishedTrialError):
            trial_queue.reconcile()
            observer.message(f"trial {assignment.trial.number}: {TakenOverError()}")
        except catch:
            tell(state=TrialState.FAIL)
        except BaseException as error:
            _give_reason(assignment.trial, error)
            tell(state=TrialState.FAIL)
            raise


def _give_reason(trial: optuna.Trial, error: BaseException) -> None:
    """Note why the trial failed, if the objective could not.

    A signal may come while the objective notes how the trial ended: then the trial did not end.
    """
    if TrialAttribute.FAILURE not in trial.user_attrs:
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr(TrialAttribute.FAILURE, failure_reason(error))


def _tell_standing(assignment: Assignment, observer: SearchObserver) -> None:
    observer.standing(assignment.done, assignment.total)
    for number in assignment.abandoned:
        observer.message(f"trial {number}: its worker is gone; it is queued again")


def serve(job: Job, send: Callable[[Told], None]) -> WorkerExit:
    """Do the work of ``job`` in this process, telling ``send``; how it ended."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    observer = Forwarder(send)
    try:
        storage = stores.open_storage(job.plan.storage_url)
        workplace = Workplace(job.plan, storage, observer, leads=job.number == 0)
        try:
            workplace.work(job.total, job.gpu_memory_mb)
        except KeyboardInterrupt:  # if the parent is gone, nobody else says how the study stands
            workplace.parent.finish("KILLED")
            raise
    except KeyboardInterrupt:
        return WorkerExit(interrupted=True)
    except HarnessError as error:
        return WorkerExit(error=error)
    except Exception as error:
        outage = stopped(error)
        return WorkerExit(error=outage) if outage else WorkerExit(defect=traceback.format_exc())
    return WorkerExit()
