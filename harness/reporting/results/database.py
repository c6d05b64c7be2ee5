"""The runs of a study from the tables of MLflow in a database, without MLflow; reads only.

MLflow's client has no call that reads the histories of many metrics at once, and one malformed
entry makes it refuse all runs. Here a few statements read RUNS_AT_ONCE runs, and every value
arrives as the database holds it.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from harness.core.errors import InputError, first_line
from harness.core.schema import SYSTEM_METRICS, RunKind, Tag
from harness.core.secrets import hide_passwords, mask
from harness.reporting.results.stored_runs import READ_TAGS, StoredRun
from harness.tracking.stores.databases import check_tracking_store
from harness.tracking.stores.urls import sqlite_path

RUNS_AT_ONCE = 200

_BUSY_SECONDS = 20.0


def _table(name: str, *columns: str) -> sa.TableClause:
    """A table whose columns have no type, so that nothing is converted."""
    return sa.table(name, *map(sa.column, columns))


_EXPERIMENTS = _table("experiments", "experiment_id", "name", "lifecycle_stage")
_RUN_COLUMNS = ("run_uuid", "status", "start_time", "end_time", "artifact_uri")
_RUNS = _table("runs", *_RUN_COLUMNS, "experiment_id", "lifecycle_stage")
_TAGS = _table("tags", "run_uuid", "key", "value")
_PARAMS = _table("params", "run_uuid", "key", "value")
_METRICS = _table("metrics", "run_uuid", "key", "step", "timestamp", "value", "is_nan")


class DatabaseRuns:
    """The active studies and runs in a database of MLflow."""

    def __init__(self, connection: Connection) -> None:
        """Read by ``connection``, which the caller closes."""
        self._connection = connection

    def studies(self) -> dict[str, Any]:
        """Name -> id of every experiment."""
        rows = self._connection.execute(
            sa.select(_EXPERIMENTS.c.name, _EXPERIMENTS.c.experiment_id).where(
                _EXPERIMENTS.c.lifecycle_stage == "active"
            )
        )
        return {str(name): key for name, key in rows}

    def study_runs(self, experiment_id: Any) -> list[StoredRun]:
        """The runs that stand for a study, without parameters and metrics."""
        tag = _TAGS.alias()
        query = _runs_of(experiment_id).where(_has(tag, Tag.KIND, RunKind.STUDY))
        return [StoredRun(*row) for row in self._connection.execute(query)]

    def trial_runs(self, experiment_id: Any, study_run_id: str) -> Iterator[StoredRun]:
        """The runs of the study's trials, whole, in the order of their ids."""
        kind, parent = _TAGS.alias(), _TAGS.alias()
        query = _runs_of(experiment_id).where(
            _has(kind, Tag.KIND, RunKind.TRIAL), _has(parent, Tag.PARENT, study_run_id)
        )
        rows = self._connection.execute(query).all()
        for start in range(0, len(rows), RUNS_AT_ONCE):
            yield from self._whole(rows[start : start + RUNS_AT_ONCE])

    def place_of(self, run_id: str) -> tuple[Any, object] | None:
        """The id of the run's experiment and the address of its artifacts; None if not active."""
        where = (_RUNS.c.run_uuid == run_id, _RUNS.c.lifecycle_stage == "active")
        query = sa.select(_RUNS.c.experiment_id, _RUNS.c.artifact_uri).where(*where)
        row = self._connection.execute(query).first()
        return None if row is None else (row[0], row[1])

    def _whole(self, rows: Sequence[Any]) -> Iterator[StoredRun]:
        ids = [row[0] for row in rows]
        tags: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        names = [str(name) for name in READ_TAGS]
        for run_id, key, value in self._rows(_TAGS, ids, _TAGS.c.key.in_(names)):
            tags[run_id][key] = value
        params: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for run_id, key, value in self._rows(_PARAMS, ids):
            params[run_id][key] = value
        points: defaultdict[Any, dict[str, list[Any]]] = defaultdict(dict)
        where = [
            _METRICS.c.key != str(Tag.TRIAL_NUMBER),
            _METRICS.c.key.not_like(f"{SYSTEM_METRICS}%"),
        ]
        for run_id, key, step, timestamp, value, nan in self._rows(_METRICS, ids, *where):
            point = (step, timestamp, float("nan") if nan else value)
            points[run_id].setdefault(str(key), []).append(point)
        for row in rows:
            key = row[0]
            run = StoredRun(*row)
            yield dataclasses.replace(run, tags=tags[key], params=params[key], points=points[key])

    def _rows(self, table: sa.TableClause, ids: list[Any], *where: Any) -> Any:
        """The rows of ``table`` that belong to these runs."""
        return self._connection.execute(
            sa.select(*table.c).where(table.c.run_uuid.in_(ids), *where)
        )


@contextmanager
def open_database(tracking_uri: str) -> Iterator[DatabaseRuns]:
    """The runs in the database at ``tracking_uri``, which is opened for reading only.

    InputError, one line, password masked, for a database that cannot be read; in the block too.
    """
    uri = check_tracking_store(tracking_uri)
    try:
        engine = _engine(uri)
        with engine.connect() as connection:
            yield DatabaseRuns(connection.execution_options(postgresql_readonly=True))
    except SQLAlchemyError as error:
        reason = hide_passwords(first_line(getattr(error, "orig", None) or error))
        raise InputError(f"--tracking-uri: {mask(uri)}: {reason}") from None


def _engine(uri: str) -> sa.Engine:
    url = make_url(uri)
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, poolclass=NullPool)
    path = sqlite_path(url, "--tracking-uri")
    return sa.create_engine("sqlite://", creator=lambda: _open_file(path), poolclass=NullPool)


def _open_file(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, and to which bytes that are no text are text with marks."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    connection.text_factory = lambda content: content.decode("utf-8", "replace")
    return connection


def _runs_of(experiment_id: Any) -> sa.Select[Any]:
    """The active runs of an experiment, in the order of their ids."""
    columns = [_RUNS.c[name] for name in _RUN_COLUMNS]
    active = _RUNS.c.lifecycle_stage == "active"
    where = (_RUNS.c.experiment_id == experiment_id, active)
    return sa.select(*columns).where(*where).order_by(_RUNS.c.run_uuid)


def _has(tag: Any, key: str, value: str) -> sa.ColumnElement[bool]:
    """Whether a run has the tag; ``tag`` is a name of the table of tags in the statement."""
    where = (tag.c.run_uuid == _RUNS.c.run_uuid, tag.c.key == str(key), tag.c.value == str(value))
    return sa.exists().where(*where)
