"""A study from its declaration to its last trial: new, resumed, or complete already."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import optuna
from optuna.storages import RDBStorage

from harness.core.interruption import interruption
from harness.core.registry import EXECUTORS
from harness.core.schema import StudyAttribute
from harness.core.spec.study_spec import StudySpec
from harness.data.load import check_available
from harness.search.display.events import Listener, Message, StudyProgress
from harness.search.plan import StudyPlan
from harness.search.study.agreement import num_ended, runs_lost
from harness.search.study.lock import study_lock
from harness.search.study.open_study import open_study
from harness.search.study.space import space_size
from harness.search.study.storage import find_study, open_storage
from harness.search.study.trials import (
    StudyOutcome,
    arm_values,
    best_trial,
    count_states,
    counted_trials,
)
from harness.search.workers.executors import Executor
from harness.search.workers.heartbeat import close_stale
from harness.search.workers.supervisor import Supervisor
from harness.search.workers.worker import StudyWorker
from harness.tracking.stores.mlflow_server import check_server, is_server_uri
from harness.tracking.stores.sqlite import is_missing
from harness.tracking.stores.urls import parse, sqlite_path

if TYPE_CHECKING:
    from harness.tracking.tracker import StudyStatus


def run_study(plan: StudyPlan, listen: Listener) -> StudyOutcome:
    """Run the study's remaining trials; how many trials it has then, and which is best.

    Raises InputError for stores, names and data that cannot be used, HarnessError if no worker is
    left.
    """
    began = time.perf_counter()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(plan.storage_url)
    study = _find(plan, storage)
    if study is not None:
        _check_tracking_file(plan, study)
    total = _total(plan.spec, listen)
    done = len(counted_trials(study)) if study else 0
    interrupted = False
    listen(StudyProgress(done, total))
    if study is None or done < total:
        _check_usable(plan)
        run = _run_here if plan.workforce.in_process else _run_by_workers
        try:
            interrupted = run(plan, storage, total, listen)
        except KeyboardInterrupt:  # before the work began, or while the study was closed
            interrupted = True
        study = _find(plan, storage)
        if study is None:
            raise KeyboardInterrupt
        if interrupted and study.user_attrs.get(StudyAttribute.OPEN):
            _close(plan, storage, "KILLED")
    elif study.user_attrs.get(StudyAttribute.OPEN):
        _close(plan, storage, "FINISHED")
    trials = counted_trials(study)
    return StudyOutcome(
        name=plan.spec.name,
        metric=plan.spec.search.metric,
        done=len(trials),
        total=total,
        states=count_states(study),
        ran=len(trials) - done,
        interrupted=interrupted,
        wall_seconds=time.perf_counter() - began,
        untrained=study.user_attrs.get(StudyAttribute.UNTRAINED, {}),
        scale=study.user_attrs.get(StudyAttribute.SCALE, {}),
        best=best_trial(study),
        arms=arm_values(plan.spec, study),
    )


def _check_usable(plan: StudyPlan) -> None:
    """Raise InputError for what each worker would find wrong, seconds later, by itself."""
    check_available(plan.spec.base_config().dataset, plan.data_dir)
    if is_server_uri(plan.tracking_uri):
        check_server(plan.tracking_uri, "--tracking-uri")
    else:
        parse(plan.tracking_uri, "--tracking-uri")


def _check_tracking_file(plan: StudyPlan, study: optuna.Study) -> None:
    """Raise InputError if the file of the tracking store is gone while ``study`` has trials."""
    if is_server_uri(plan.tracking_uri):
        return
    url = parse(plan.tracking_uri, "--tracking-uri")
    if url.get_backend_name() != "sqlite" or not is_missing(sqlite_path(url, "--tracking-uri")):
        return
    if ended := num_ended(study.get_trials(deepcopy=False)):
        raise runs_lost(study.study_name, ended, plan.storage_url)


def _run_here(plan: StudyPlan, storage: RDBStorage, total: int, listen: Listener) -> bool:
    """Run until ``total`` trials are done, in this process; whether a person stopped it."""
    try:
        with interruption.restored():
            worker = StudyWorker(plan, storage, listen)
            with worker.opened:
                worker.work(total)
    except KeyboardInterrupt:
        return True
    return False


def _run_by_workers(plan: StudyPlan, storage: RDBStorage, total: int, listen: Listener) -> bool:
    """Run until ``total`` trials are done, in other processes; whether a person stopped them."""
    executor: Executor = EXECUTORS.get(plan.workforce.executor)
    if (workers := plan.workforce.workers) > 1:
        listen(Message(f"{workers} workers, each running one trial at a time"))
    with executor.session(plan, total) as jobs:
        supervisor = Supervisor(executor, jobs, listen)
        status: StudyStatus = "FAILED"
        try:
            interrupted = supervisor.wait()
            status = "KILLED" if interrupted else "FINISHED"
        finally:
            if _find(plan, storage) is not None:
                _close(plan, storage, status)
    return interrupted


def _close(plan: StudyPlan, storage: RDBStorage, status: StudyStatus) -> None:
    """End the session of a study that other processes worked at."""
    from harness.tracking.mlflow_tracker import MlflowTracker

    tracker = MlflowTracker(plan.tracking_uri, plan.layout.artifact_root)
    opened = open_study(plan.spec, storage, tracker)
    with opened.lock():
        close_stale(opened.study, storage)  # of workers that were killed
    opened.close(status)


def _find(plan: StudyPlan, storage: RDBStorage) -> optuna.Study | None:
    with study_lock(storage, plan.spec.name):
        return find_study(plan.spec, storage)


def _total(spec: StudySpec, listen: Listener) -> int:
    """The number of trials that the study is to have: no more than there are configurations."""
    size = space_size(spec)
    if size is not None and size < spec.search.num_trials:
        listen(Message(f"the space holds {size} configurations, so the study has {size} trials"))
        return size
    return spec.search.num_trials
