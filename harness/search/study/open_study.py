"""The Optuna side of a study: its storage, its identity, what counts as done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import optuna
from alembic.util import CommandError
from optuna.exceptions import OptunaError
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from harness.core.errors import InputError, within
from harness.core.schema import DATASET_ATTRIBUTE, OPEN_ATTRIBUTE, SPEC_ATTRIBUTE, WEIGHTS_ATTRIBUTE
from harness.core.spec.study_spec import StudySpec
from harness.search.plan import StudyPlan
from harness.search.study.lock import turns
from harness.search.study.sampler import DistinctSampler, ListSampler, make_pruner
from harness.search.study.space import arm_params, distributions
from harness.search.study.trials import trial_endings
from harness.tracking.stores.databases import Schema, prepare_database
from harness.tracking.stores.reconnect import enable_reconnection
from harness.tracking.stores.sqlite import roll_back_on_interrupt
from harness.tracking.stores.urls import mask

if TYPE_CHECKING:
    from harness.core.spec.study_spec import StudySpec
    from harness.tracking.tracker import StudyStatus, StudyTracker

_BUSY_SECONDS = 60.0


def open_storage(url: str) -> RDBStorage:
    """The Optuna storage at ``url``, its tables made under a lock if need be.

    Raises InputError, one line, if it cannot be used.
    """
    tables = Schema("Optuna", "studies", _create_tables)
    url = prepare_database(url, tables, option="--storage")
    enable_reconnection()
    roll_back_on_interrupt()
    if url.startswith("sqlite:"):  # others may write for longer than the five seconds by default
        return connect(url, connect_args={"timeout": _BUSY_SECONDS})
    return connect(url, pool_pre_ping=True)


def connect(url: str, **engine_kwargs: Any) -> RDBStorage:
    """The Optuna storage at ``url``, whose tables are there.

    Raises InputError, one line, for tables that are damaged or of another version of Optuna.
    """
    with _readable(url):
        try:
            return RDBStorage(url, engine_kwargs=engine_kwargs)
        except RuntimeError as error:  # of another version; Optuna's words say what to do
            raise InputError(f"{mask(url)}: {error}") from None


def find_study(spec: StudySpec, storage: RDBStorage) -> optuna.Study | None:
    """The study called ``spec.name`` as ``open_study`` gives it, or None; nothing is created."""
    with _readable(storage.url):
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


@contextmanager
def _readable(url: str) -> Iterator[None]:
    """Turn what Optuna raises on content that it cannot have written into an InputError."""
    try:
        yield
    except (
        OptunaError,
        CommandError,  # of alembic, which keeps the version of the tables
        SQLAlchemyError,
        ValueError,
        LookupError,
        TypeError,
    ) as error:
        reason = (str(error.__cause__ or error).splitlines() or [""])[0]
        raise InputError(
            f"{mask(url)} cannot be read: {type(error).__name__}: {reason}; restore a copy of it"
        ) from None


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


_DIFFERENCES = {
    DATASET_ATTRIBUTE: "on other data",
    WEIGHTS_ATTRIBUTE: "with other extractor weights",
}


def reconcile(
    parent: StudyTracker, study: optuna.Study, spec: StudySpec, storage: RDBStorage
) -> None:
    """Make the tracked runs of the study say what its storage says, in a turn of its own."""
    with turns(storage, spec.name, "settling")():
        parent.reconcile(lambda: trial_endings(study, spec))


def finish_tracked(
    plan: StudyPlan, study: optuna.Study, storage: RDBStorage, status: StudyStatus
) -> None:
    """End the study's run in MLflow as ``status``, once its workers have ended."""
    from harness.tracking.mlflow_tracker import MlflowTracker

    tracker = MlflowTracker(plan.tracking_uri, plan.layout.artifact_root)
    parent = tracker.open_study(plan.spec)
    reconcile(parent, study, plan.spec, storage)
    parent.finish(status)
    study.set_user_attr(OPEN_ATTRIBUTE, False)


def _check_identity(study: optuna.Study, identity: Mapping[str, str | None]) -> None:
    """Raise InputError if the study began with another ``identity`` than this one."""
    for attribute, sha256 in identity.items():
        before = study.user_attrs.get(attribute)
        if before is not None and sha256 is not None and before != sha256:
            raise InputError(
                f"study {study.study_name!r} began {_DIFFERENCES[attribute]} (sha256 "
                f"{before[:12]}, now {sha256[:12]}); give this one another --study-name"
            )
