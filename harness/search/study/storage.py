"""A study in Optuna's storage: the storage opened, the study found, created or refused."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import optuna
from alembic.util import CommandError
from optuna.exceptions import ExperimentalWarning, OptunaError
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from harness.core.errors import InputError, first_line, within
from harness.core.schema import StudyAttribute
from harness.core.secrets import hide_passwords, mask
from harness.core.spec.identity import difference
from harness.core.spec.names import check_case
from harness.core.spec.study_spec import StudySpec
from harness.search.study.sampler import DistinctSampler, ListSampler, make_pruner
from harness.search.study.space import arm_params, distributions
from harness.tracking.stores.databases import Schema, prepare_database
from harness.tracking.stores.reconnect import enable_reconnection
from harness.tracking.stores.sqlite import roll_back_on_interrupt

if TYPE_CHECKING:
    from harness.core.spec.study_spec import StudySpec

_BUSY_SECONDS = 60.0


def open_storage(url: str) -> RDBStorage:
    """The Optuna storage at ``url``, its tables created under a lock if they are missing.

    Raises InputError, one line, if it cannot be used.
    """
    tables = Schema("Optuna", "studies", _create_tables)
    url = prepare_database(url, tables, option="--storage")
    enable_reconnection()
    roll_back_on_interrupt()
    if url.startswith("sqlite:"):  # SQLite waits five seconds by default; a write may take longer
        return connect(url, connect_args={"timeout": _BUSY_SECONDS})
    return connect(url, pool_pre_ping=True)


def connect(url: str, **engine_kwargs: Any) -> RDBStorage:
    """The Optuna storage at ``url``, whose tables exist.

    Raises InputError, one line, for tables that are damaged or of another version of Optuna.
    """
    with _readable(url):
        try:
            return RDBStorage(url, engine_kwargs=engine_kwargs)
        except RuntimeError as error:  # another version; Optuna's message says what to do
            raise InputError(f"{mask(url)}: {hide_passwords(str(error))}") from None


def find_study(spec: StudySpec, storage: RDBStorage) -> optuna.Study | None:
    """The study called ``spec.name`` as ``load_or_create_study`` returns it; None without one.

    Raises InputError also if another study has that name in other letters, capital or small.
    """
    with _readable(storage.url):
        names = optuna.get_all_study_names(storage)
        if spec.name not in names:
            check_case(spec.name, names, mask(storage.url))
            return None
        study = load_or_create_study(spec, storage)
        study.get_trials(deepcopy=False)  # an unreadable one is refused before anything is written
    return study


def load_or_create_study(spec: StudySpec, storage: RDBStorage) -> optuna.Study:
    """The study called ``spec.name``, new or with its trials so far, its sampler and its pruner.

    Raises InputError if a study of that name has another base, space, arms or search.
    """
    direction = optuna.study.StudyDirection[spec.search.direction.upper()]
    history = optuna.create_study(
        storage=storage, study_name=spec.name, direction=direction, load_if_exists=True
    )
    _check_same(spec, history)
    history.set_user_attr(StudyAttribute.SPEC, spec.to_dict())
    if history.metric_names is None:
        with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
            history.set_metric_names([spec.search.metric])  # for optuna-dashboard
    return optuna.load_study(
        study_name=spec.name,
        storage=storage,
        sampler=_make_sampler(spec, history),
        pruner=make_pruner(spec),
    )


@contextmanager
def _readable(url: str) -> Iterator[None]:
    """Turn what Optuna raises for content that Optuna did not write into an InputError."""
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
        reason = hide_passwords(first_line(error.__cause__ or error))
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
    """Raise InputError if ``study`` began with another declaration than ``spec``."""
    before = study.user_attrs.get(StudyAttribute.SPEC)
    if before is None:
        return
    with within(f"study {spec.name!r} as it began"):
        began = StudySpec.from_dict(before)  # with defaults for keys of later versions
    if changed := difference(began, spec):
        raise InputError(
            f"study {spec.name!r} began with another {changed}; declare what it began with, or "
            f"give this one another --study-name"
        )
