"""The Optuna side of a study: its storage, its identity, what counts as done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import optuna
from optuna.exceptions import OptunaError, UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.errors import InputError, within
from harness.core.schema import INTERRUPTED, SPEC_ATTRIBUTE, Tag
from harness.core.spec.study_spec import StudySpec
from harness.search.pruning import make_pruner
from harness.search.sampler import DistinctSampler, ListSampler
from harness.search.space import arm_params, config_of, distributions
from harness.tracking.reconcile import Ended
from harness.tracking.stores.databases import Schema, prepare_database
from harness.tracking.stores.reconnect import wait_for_servers
from harness.tracking.stores.sqlite import unlock_after_interrupts
from harness.tracking.stores.urls import mask

_QUEUED_PARAMS = "fixed_params"  # where Optuna keeps what enqueue_trial was given
_BUSY_SECONDS = 60.0


def open_storage(url: str) -> RDBStorage:
    """The Optuna storage at ``url``, its tables made under a lock if need be.

    Raises InputError, one line, if it cannot be used.
    """
    tables = Schema("Optuna", "studies", _create_tables)
    url = prepare_database(url, tables, option="--storage")
    wait_for_servers()
    unlock_after_interrupts()
    if url.startswith("sqlite:"):  # others may write for longer than the five seconds by default
        return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}})
    return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})


def find_study(spec: StudySpec, storage: RDBStorage) -> optuna.Study | None:
    """The study called ``spec.name`` as ``open_study`` gives it, or None; nothing is created."""
    with _readable(storage):
        if spec.name not in optuna.get_all_study_names(storage):
            return None
        study = open_study(spec, storage)
        study.get_trials(deepcopy=False)  # all of it is read once, before anything is written
    return study


def open_study(spec: StudySpec, storage: RDBStorage) -> optuna.Study:
    """The study called ``spec.name``, new or as it was left, with its sampler and pruner.

    Raises InputError if a study of that name asks something else: another base, space or search.
    """
    direction = optuna.study.StudyDirection[spec.search.direction.upper()]
    history = optuna.create_study(
        storage=storage, study_name=spec.name, direction=direction, load_if_exists=True
    )
    _check_same(spec, history)
    history.set_user_attr(SPEC_ATTRIBUTE, spec.to_dict())
    return optuna.load_study(
        study_name=spec.name,
        storage=storage,
        sampler=_make_sampler(spec, history),
        pruner=make_pruner(spec),
    )


def was_interrupted(trial: FrozenTrial) -> bool:
    """True for a trial that a person or a killed worker ended: it does not count as run.

    One that failed without a reason was cut off before the reason could be written.
    """
    failed = trial.state == TrialState.FAIL
    return failed and trial.user_attrs.get(Tag.FAILURE, INTERRUPTED) == INTERRUPTED


def counted_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that are done: complete, pruned or failed for a reason of their own."""
    return counted(study.get_trials(deepcopy=False))


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those of ``trials`` that are done, as for ``counted_trials``."""
    return [trial for trial in trials if trial.state.is_finished() and not was_interrupted(trial)]


def requeue_interrupted(
    study: optuna.Study, names: Collection[str], trials: Sequence[FrozenTrial] | None = None
) -> None:
    """Queue the configuration of each interrupted trial again, unless that was done before.

    A trial that was cut off before all parameters, called ``names``, had a value has none.
    ``trials``: all of the study as they are now, if they were read already.
    """
    trials = study.get_trials(deepcopy=False) if trials is None else trials
    retried = {trial.user_attrs.get(Tag.RETRY_OF) for trial in trials}
    for trial in trials:
        params = _planned_params(trial)
        if was_interrupted(trial) and params.keys() == set(names) and trial.number not in retried:
            study.enqueue_trial(params, user_attrs={Tag.RETRY_OF.value: trial.number})


def close_interrupted(storage: RDBStorage, trial_id: int) -> None:
    """End a running trial whose worker is gone, unless it has ended by itself meanwhile."""
    with suppress(UpdateFinishedTrialError):
        storage.set_trial_user_attr(trial_id, Tag.FAILURE, INTERRUPTED)
        storage.set_trial_state_values(trial_id, TrialState.FAIL)


@contextmanager
def _readable(storage: RDBStorage) -> Iterator[None]:
    """Turn what Optuna raises on content that it cannot have written into an InputError."""
    try:
        yield
    except (OptunaError, SQLAlchemyError, ValueError, LookupError, TypeError) as error:
        reason = (str(error.__cause__ or error).splitlines() or [""])[0]
        raise InputError(
            f"{mask(storage.url)} cannot be read: {type(error).__name__}: {reason}; "
            "restore a copy of it"
        ) from None


def trial_ends(study: optuna.Study, spec: StudySpec | None = None) -> dict[int, Ended | None]:
    """How each trial of the study ended, by number; None for those that wait or run.

    With the ``spec`` of the study, interrupted trials have their configuration.
    """
    return {trial.number: _end(trial, spec) for trial in study.get_trials(deepcopy=False)}


def _end(trial: FrozenTrial, spec: StudySpec | None) -> Ended | None:
    if trial.state == TrialState.COMPLETE:
        return Ended(schema.TrialState.COMPLETE)
    if trial.state == TrialState.PRUNED:
        pruned_by = trial.user_attrs.get(Tag.PRUNED_BY, schema.PRUNED_BY_PRUNER)
        return Ended(schema.TrialState.PRUNED, {Tag.PRUNED_BY.value: pruned_by})
    if trial.state == TrialState.FAIL:
        reason = trial.user_attrs.get(Tag.FAILURE, INTERRUPTED)
        config = _config(trial, spec) if spec and reason == INTERRUPTED else None
        return Ended(schema.TrialState.FAIL, {Tag.FAILURE.value: reason}, config)
    return None


def _config(trial: FrozenTrial, spec: StudySpec) -> TrialConfig | None:
    """The trial's configuration; None if it was cut off before all parameters had a value."""
    params = _planned_params(trial)
    return config_of(spec, params) if params.keys() == distributions(spec).keys() else None


def _planned_params(trial: FrozenTrial) -> dict[str, Any]:
    """The values that the trial has, or was queued with."""
    params: dict[str, Any] = trial.system_attrs.get(_QUEUED_PARAMS, trial.params)
    return params


def _make_sampler(spec: StudySpec, history: optuna.Study) -> BaseSampler:
    if spec.arms:
        return ListSampler(history, distributions(spec), arm_params(spec))
    return DistinctSampler(history, distributions(spec), spec.search.sampler, spec.search.seed)


def _create_tables(url: str) -> None:
    storage = RDBStorage(url)
    storage.remove_session()
    storage.engine.dispose()


def _check_same(spec: StudySpec, study: optuna.Study) -> None:
    before = study.user_attrs.get(SPEC_ATTRIBUTE)
    if before is None:
        return
    with within(f"study {spec.name!r} as it began"):
        before = StudySpec.from_dict(before).to_dict()  # with defaults for keys of later versions
    now = spec.to_dict()
    difference = _first_difference(_identity(before), _identity(now))
    difference = difference or _changed_arm(before["arms"], now["arms"])
    if difference:
        raise InputError(
            f"study {spec.name!r} began with another {difference}; "
            "give this one another --study-name"
        )


def _identity(values: dict[str, Any]) -> dict[str, Any]:
    """What must not change while a study grows: everything but its wording and its length.

    Arms that are there keep their place and their fields; more of them, and more seeds, may come.
    """
    flat = {}
    for table in ("base", "space", "search", "evaluation"):
        flat.update({f"[{table}] {key}": value for key, value in values[table].items()})
    flat.pop("[search] num_trials")
    return flat


def _changed_arm(before: dict[str, Any], now: dict[str, Any]) -> str:
    places = zip(before.items(), now.items(), strict=False)
    for (name, fields), (name_now, fields_now) in places:
        if (name, fields) != (name_now, fields_now):
            return f"[arms] {name}: {fields!r}, now {name_now}: {fields_now!r}"
    if len(now) < len(before):
        return f"[arms]: {len(before)} arms, now {len(now)}"
    return ""


def _first_difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            return f"{key}: {before.get(key)!r}, now {now.get(key)!r}"
    return ""
