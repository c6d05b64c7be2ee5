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
from harness.core.interruption import interruption
from harness.core.quiet_import import quiet_import
from harness.core.schema import StudyAttribute, TrialAttribute
from harness.core.secrets import hide_passwords
from harness.search.display.events import Listener, Message, StudyProgress
from harness.search.plan import StudyPlan
from harness.search.study.open_study import open_study
from harness.search.study.storage import open_storage
from harness.search.workers.executors import Job, WorkerExit
from harness.search.workers.heartbeat import WorkerIdentity, heartbeat
from harness.search.workers.trial_queue import Assignment, TrialQueue
from harness.tracking.failures import failure_reason, stopped

if TYPE_CHECKING:
    from harness.search.trial.objective import Objective
    from harness.search.trial.runner import TrialRunner

POLL_SECONDS = 1.0
"""How often a worker without a trial asks whether there is one."""

BEST_SECONDS = 30.0
"""How often a worker extends the study's curve of the best value, at most."""


class StudyWorker:
    """This process as a worker of one study: the study opened, then its trials run.

    The study is opened, and if need be created, only after the networks, the dataset and the
    MLflow store were validated.
    """

    def __init__(
        self,
        plan: StudyPlan,
        storage: RDBStorage,
        listen: Listener,
        *,
        writes_study_files: bool = True,
    ) -> None:
        """Import TensorFlow, load the data and open the study; InputError if one is unusable.

        ``writes_study_files``: true in one process of each session.
        """
        listen(Message("loading TensorFlow, the data and the reference classifier"))
        with quiet_import():
            from harness.search.trial.setup import check_buildable, load_study_dataset
            from harness.tracking.mlflow_tracker import MlflowTracker

        check_buildable(plan.spec)
        weights = plan.spec.extractor.weights_sha256()
        self._dataset = load_study_dataset(plan, listen)
        self._plan = plan
        self._writes_study_files = writes_study_files
        self._listen = listen
        where = plan.tracking_uri, plan.layout.artifact_root
        tracker = MlflowTracker(*where, system_metrics=plan.system_metrics)
        inputs = {
            StudyAttribute.DATASET: self._dataset.fingerprint,
            StudyAttribute.WEIGHTS: weights,
        }
        self.opened = open_study(plan.spec, storage, tracker, inputs)

    def work(self, total: int, gpu_memory_mb: int | None = None) -> None:
        """Run trials until the study has ``total``, or until the plan's time limit."""
        with quiet_import():
            from harness.search.trial.runner import FAILURES

        objective = self._prepare(gpu_memory_mb)
        trial_queue = TrialQueue(self.opened, total)
        run_trials(trial_queue, objective, self._listen, timeout=self._plan.timeout, catch=FAILURES)

    def _prepare(self, gpu_memory_mb: int | None) -> Objective:
        """The objective. The first process of all fills the caches that the others read."""
        from harness.search.trial.objective import Objective
        from harness.search.trial.setup import log_study_files, log_untrained, study_scale

        runner = None
        study = self.opened.study
        with self.opened.lock("preparation"):
            first = StudyAttribute.UNTRAINED not in study.user_attrs
            if first or self._writes_study_files:
                runner = self._runner(gpu_memory_mb)
                log_study_files(runner)
                study.set_user_attr(StudyAttribute.SCALE, study_scale(runner.evaluator))
            if first and runner:
                study.set_user_attr(StudyAttribute.UNTRAINED, log_untrained(runner))
        return Objective(runner or self._runner(gpu_memory_mb))

    def _runner(self, gpu_memory_mb: int | None) -> TrialRunner:
        from harness.search.trial.setup import prepare_runner

        layout = self._plan.layout
        run = self.opened.run
        return prepare_runner(
            self._plan.spec,
            self._dataset,
            run,
            self._listen,
            layout,
            gpu_memory_mb,
            reuse=self._plan.reuse,
            run_tables=self._plan.run_tables,
        )


def serve(job: Job, listen: Listener) -> WorkerExit:
    """Do the work of ``job`` in this process; how the worker ended."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with interruption.restored():
            _work(job, listen)
    except KeyboardInterrupt:
        return WorkerExit(interrupted=True)
    except HarnessError as error:
        return WorkerExit(error=error)
    except Exception as error:
        outage = stopped(error)
        if outage:
            return WorkerExit(error=outage)
        return WorkerExit(defect=hide_passwords(traceback.format_exc()))
    return WorkerExit()


def _work(job: Job, listen: Listener) -> None:
    storage = open_storage(job.plan.storage_url)
    worker = StudyWorker(job.plan, storage, listen, writes_study_files=job.number == 0)
    try:
        with interruption.restored():
            worker.work(job.total, job.gpu_memory_mb)
    except KeyboardInterrupt:  # the supervisor may be gone, then no other process ends the run
        worker.opened.run.finish("KILLED")
        raise


def run_trials(
    trial_queue: TrialQueue,
    objective: Callable[[optuna.Trial], float],
    listen: Listener,
    *,
    timeout: float | None = None,
    catch: tuple[type[Exception], ...] = (),
) -> None:
    """Run trials until the study is complete; none begins after ``timeout`` seconds.

    While the last trials run elsewhere this process waits, to run those whose workers die.
    ``catch``: exceptions that end a trial as FAIL; any other ends the trial so and is raised.
    """
    began = extended = time.monotonic()
    waited = False
    try:
        with interruption.restored(), WorkerIdentity() as worker:
            while timeout is None or time.monotonic() - began < timeout:
                interruption.check()
                assignment = trial_queue.next_assignment(worker.name)
                _report(assignment, listen)
                if assignment.complete:
                    break
                if assignment.trial is not None:
                    _run_trial(trial_queue, assignment, objective, listen, catch)
                    if time.monotonic() - extended > BEST_SECONDS:
                        trial_queue.opened.log_best()
                        extended = time.monotonic()
                    continue
                if not waited:
                    text = f"trials that run elsewhere: {assignment.running}; waiting for them"
                    listen(Message(text))
                    waited = True
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        trial_queue.close_stale()  # a trial that was handed out and not begun
        raise
    trial_queue.opened.storage.remove_session()


def _run_trial(
    trial_queue: TrialQueue,
    assignment: Assignment,
    objective: Callable[[optuna.Trial], float],
    listen: Listener,
    catch: tuple[type[Exception], ...],
) -> None:
    """Run the assigned trial and tell Optuna how it ended."""
    trial, trial_id = assignment.trial, assignment.trial_id
    assert trial is not None
    assert trial_id is not None
    opened = trial_queue.opened
    tell = partial(opened.study.tell, trial, skip_if_finished=True)
    with heartbeat(opened.storage, trial_id):
        try:
            tell(objective(trial))
        except TrialPruned:
            tell(state=TrialState.PRUNED)
        except (TakenOverError, UpdateFinishedTrialError):
            trial_queue.reconcile()
            listen(Message(str(TakenOverError()), trial.number))
        except catch:
            tell(state=TrialState.FAIL)
        except BaseException as error:
            _note_reason(trial, error)
            tell(state=TrialState.FAIL)
            raise


def _note_reason(trial: optuna.Trial, error: BaseException) -> None:
    """Note why the trial failed, if the objective did not.

    A signal may interrupt the objective while it notes how the trial ended.
    """
    if TrialAttribute.FAILURE not in trial.user_attrs:
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr(TrialAttribute.FAILURE, failure_reason(error))


def _report(assignment: Assignment, listen: Listener) -> None:
    listen(StudyProgress(assignment.done, assignment.total))
    for number in assignment.stale:
        listen(Message("its worker is gone; the trial is queued again", number))
