"""A study from its declaration to its last trial: new, resumed or complete already."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout

from harness.core.errors import HarnessError, InputError
from harness.core.study_file import StudySpec
from harness.search import storage as stores
from harness.search.observer import SearchObserver
from harness.search.space import arm_name, space_size
from harness.tracking.layout import Layout

DATASET_ATTRIBUTE = "dataset_fingerprint"
WEIGHTS_ATTRIBUTE = "extractor_weights"
UNTRAINED_ATTRIBUTE = "untrained"
SCALE_ATTRIBUTE = "scale"


@dataclass(frozen=True)
class StudyPlan:
    """What to run and where to keep it. ``timeout`` is in seconds, None for no limit."""

    spec: StudySpec
    layout: Layout
    storage_url: str
    tracking_uri: str
    data_dir: Path | None = None
    timeout: float | None = None


@dataclass(frozen=True)
class StudyOutcome:
    """How a study stands after a sitting.

    done: trials that count, of ``total`` wanted. states: Optuna state -> number of trials, the
    interrupted ones apart. best: number, value, params and scores of the best complete trial, or
    None. untrained: scores of the base configuration before its first step. scale: metric -> what
    perfect and null level are. arms: arm -> the metric of its complete trials in the order of their
    seeds, empty in a search. ran: trials of this sitting. interrupted: whether Ctrl-C or SIGTERM
    ended it.
    """

    name: str
    metric: str
    done: int
    total: int
    states: dict[str, int]
    ran: int
    interrupted: bool
    wall_seconds: float
    untrained: dict[str, float]
    scale: dict[str, dict[str, float | None]]
    best: dict[str, Any] | None
    arms: dict[str, list[float]]

    @property
    def complete(self) -> bool:
        """Whether no trial is left to run."""
        return self.done >= self.total


def run_study(plan: StudyPlan, observer: SearchObserver) -> StudyOutcome:
    """Run the study's remaining trials and say how it stands.

    Raises InputError for stores, names and data that cannot be used, HarnessError if another
    process is running this study.
    """
    began = time.perf_counter()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = stores.open_storage(plan.storage_url)
    study = stores.find_study(plan.spec, storage)
    total = _total(plan.spec, observer)
    done = len(stores.counted_trials(study)) if study else 0
    interrupted = False
    observer.search_started(plan.spec.name, done, total)
    if study is None or done < total:
        with _only_runner(plan):
            study, interrupted = _run_remaining(plan, storage, total, observer)
    trials = stores.counted_trials(study)
    return StudyOutcome(
        name=plan.spec.name,
        metric=plan.spec.search.metric,
        done=len(trials),
        total=total,
        states=_states(study),
        ran=len(trials) - done,
        interrupted=interrupted,
        wall_seconds=time.perf_counter() - began,
        untrained=study.user_attrs.get(UNTRAINED_ATTRIBUTE, {}),
        scale=study.user_attrs.get(SCALE_ATTRIBUTE, {}),
        best=_best(study),
        arms=_arm_values(plan.spec, study),
    )


def _run_remaining(
    plan: StudyPlan,
    storage: optuna.storages.RDBStorage,
    total: int,
    observer: SearchObserver,
) -> tuple[optuna.Study, bool]:
    """Run until ``total`` trials are done; the study, and whether a person stopped it.

    The study begins to exist once networks, data and the MLflow store have been found usable.
    """
    from harness.core.quiet import quiet_import

    observer.message("loading TensorFlow, the data and the reference classifier")
    with quiet_import():
        from harness.search.objective import FAILURES, Objective
        from harness.search.prepare import (
            check_buildable,
            load_study_dataset,
            log_untrained,
            prepare_runner,
        )
        from harness.tracking.mlflow_run import MlflowTracker

    check_buildable(plan.spec)
    weights = plan.spec.extractor.weights_sha256()
    dataset = load_study_dataset(plan.spec, plan.data_dir)
    tracker = MlflowTracker(plan.tracking_uri, plan.layout.artifact_root)
    study = stores.open_study(plan.spec, storage)
    _check_same(study, DATASET_ATTRIBUTE, "on other data", dataset.fingerprint)
    if weights is not None:
        _check_same(study, WEIGHTS_ATTRIBUTE, "with other extractor weights", weights)
    with tracker.open_study(plan.spec) as parent:
        stores.close_abandoned(study, storage)
        parent.settle(lambda: stores.trial_ends(study))
        stores.requeue_interrupted(study)
        try:
            runner = prepare_runner(plan.spec, dataset, parent, observer, plan.layout)
            study.set_user_attr(SCALE_ATTRIBUTE, runner.evaluator.scale)
            if UNTRAINED_ATTRIBUTE not in study.user_attrs:
                study.set_user_attr(UNTRAINED_ATTRIBUTE, log_untrained(runner))
            study.optimize(
                Objective(runner),
                n_trials=total - len(stores.counted_trials(study)),
                timeout=plan.timeout,
                catch=FAILURES,
            )
        except KeyboardInterrupt:
            parent.finish("KILLED")
            return study, True
    return study, False


def _total(spec: StudySpec, observer: SearchObserver) -> int:
    size = space_size(spec)
    if size is not None and size < spec.search.num_trials:
        observer.message(f"the space holds {size} configurations: {size} trials are all there are")
        return size
    return spec.search.num_trials


def _only_runner(plan: StudyPlan) -> AbstractContextManager[object]:
    """The study's lock on this machine, taken: two runs of one study would repeat each other."""
    lock = plan.layout.study_lock(plan.spec.name)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(lock, timeout=0).acquire()
    except Timeout:
        raise HarnessError(f"study {plan.spec.name!r} is running in another process") from None
    except OSError as error:
        raise InputError(f"{lock.parent}: {error.strerror}") from None


def _check_same(study: optuna.Study, attribute: str, difference: str, sha256: str) -> None:
    """Raise InputError, saying the ``difference``, if the study began with another ``sha256``."""
    before = study.user_attrs.get(attribute)
    if before is None:
        study.set_user_attr(attribute, sha256)
    elif before != sha256:
        raise InputError(
            f"study {study.study_name!r} began {difference} (sha256 {before[:12]}, now "
            f"{sha256[:12]}); give this one another --study-name"
        )


def _states(study: optuna.Study) -> dict[str, int]:
    trials = study.get_trials(deepcopy=False)
    states = Counter(trial.state.name for trial in stores.counted_trials(study))
    interrupted = sum(stores.was_interrupted(trial) for trial in trials)
    return {**states, **({"INTERRUPTED": interrupted} if interrupted else {})}


def _best(study: optuna.Study) -> dict[str, Any] | None:
    try:
        trial = study.best_trial
    except ValueError:  # no trial is complete
        return None
    return {
        "trial": trial.number,
        "value": trial.value,
        "params": dict(trial.params),
        "scores": trial.user_attrs.get("scores", {}),
    }


def _arm_values(spec: StudySpec, study: optuna.Study) -> dict[str, list[float]]:
    if spec.arms is None:
        return {}
    values: dict[str, list[float]] = {name: [] for name in spec.arms.names}
    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    for trial in sorted(done, key=lambda trial: trial.params["seed"]):
        values[arm_name(spec, trial.params)].append(trial.values[0])
    return values
