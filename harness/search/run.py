"""A study from its declaration to its last trial: new, resumed or complete already."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import optuna
from optuna.storages import RDBStorage

from harness.core.registry import EXECUTORS
from harness.core.schema import StudyAttribute
from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import SearchObserver
from harness.search.plan import StudyPlan
from harness.search.study import open_study as stores
from harness.search.study.lock import study_lock
from harness.search.study.open_study import finish_tracked
from harness.search.study.space import space_size
from harness.search.study.trials import StudyOutcome, _arm_values, _best, _states, counted_trials
from harness.search.workers.executors import Executor
from harness.search.workers.supervisor import Supervisor
from harness.search.workers.worker import Workplace

if TYPE_CHECKING:
    from harness.tracking.tracker import StudyStatus


def run_study(plan: StudyPlan, observer: SearchObserver) -> StudyOutcome:
    """Run the study's remaining trials and say how it stands.

    Raises InputError for stores, names and data that cannot be used, HarnessError if no worker is
    left to go on.
    """
    began = time.perf_counter()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = stores.open_storage(plan.storage_url)
    study = _find(plan, storage)
    total = _total(plan.spec, observer)
    done = len(counted_trials(study)) if study else 0
    interrupted = False
    observer.search_started(plan.spec.name, done, total)
    if study is None or done < total:
        run = _run_here if plan.workforce.in_process else _run_by_workers
        interrupted = run(plan, storage, total, observer)
        study = _find(plan, storage)
        if study is None:  # stopped before it began
            raise KeyboardInterrupt
    elif study.user_attrs.get(StudyAttribute.OPEN):
        finish_tracked(plan, study, storage, "FINISHED")
    trials = counted_trials(study)
    return StudyOutcome(
        name=plan.spec.name,
        metric=plan.spec.search.metric,
        done=len(trials),
        total=total,
        states=_states(study),
        ran=len(trials) - done,
        interrupted=interrupted,
        wall_seconds=time.perf_counter() - began,
        untrained=study.user_attrs.get(StudyAttribute.UNTRAINED, {}),
        scale=study.user_attrs.get(StudyAttribute.SCALE, {}),
        best=_best(study),
        arms=_arm_values(plan.spec, study),
    )


def _run_here(plan: StudyPlan, storage: RDBStorage, total: int, observer: SearchObserver) -> bool:
    """Run until ``total`` trials are done, in this process; whether a person stopped it."""
    workplace = Workplace(plan, storage, observer)
    with workplace.parent as parent:
        try:
            workplace.work(total)
        except KeyboardInterrupt:
            parent.finish("KILLED")
            return True
    workplace.study.set_user_attr(StudyAttribute.OPEN, False)
    return False


def _run_by_workers(
    plan: StudyPlan, storage: RDBStorage, total: int, observer: SearchObserver
) -> bool:
    """Run until ``total`` trials are done, by other processes; whether a person stopped them."""
    executor: Executor = EXECUTORS.get(plan.workforce.executor)
    with executor.session(plan, total) as jobs:
        supervisor = Supervisor(executor, jobs, observer)
        status: StudyStatus = "FAILED"
        try:
            interrupted = supervisor.wait()
            status = "KILLED" if interrupted else "FINISHED"
        finally:
            study = _find(plan, storage)
            if study is not None:
                finish_tracked(plan, study, storage, status)
    return interrupted


def _find(plan: StudyPlan, storage: RDBStorage) -> optuna.Study | None:
    with study_lock(storage, plan.spec.name):
        return stores.find_study(plan.spec, storage)


def _total(spec: StudySpec, observer: SearchObserver) -> int:
    size = space_size(spec)
    if size is not None and size < spec.search.num_trials:
        observer.message(f"the space holds {size} configurations: {size} trials are all there are")
        return size
    return spec.search.num_trials
