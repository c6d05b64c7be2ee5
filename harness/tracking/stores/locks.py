"""Locks of a database by name, against all processes that use it.

PostgreSQL keeps them as advisory locks, for the processes of all machines. Elsewhere a lock is a
file and holds for this machine: beside a SQLite file, else in the user's folder for locks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import OperationalError

from harness.core.file_lock import LockTimeout, file_lock, user_lock_folder
from harness.tracking.stores.layout import Layout

TABLES = "gan-harness: tables"
"""Name of the lock that is held while a database's tables are made or a study is registered."""

TABLES_SECONDS = 120.0
"""How long a process waits for ``TABLES``; making all tables takes seconds."""

_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's error code for a lock_timeout that is over


@contextmanager
def lock(url: str, name: str, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock ``name`` of the database at ``url``; wait ``timeout`` seconds, None for ever.

    A lock ends with its process, or with its connection to PostgreSQL. Raises LockTimeout when the
    time is over, InputError if the folder of a lock file cannot be written, and SQLAlchemyError if
    PostgreSQL cannot be reached.
    """
    if url.startswith("postgresql"):
        with _advisory_lock(_engine(url), name, timeout):
            yield
    else:
        with file_lock(lock_file(url, name), timeout):
            yield


def lock_file(url: str, name: str) -> Path:
    """The file of the lock ``name`` of the store at ``url``, which is no PostgreSQL database."""
    if url.startswith("sqlite:///"):
        layout = Layout(Path(str(make_url(url).database)).parent)
        return layout.tables_lock if name == TABLES else layout.study_lock(name)
    return user_lock_folder() / f"{_number(url):x}-{_number(name):x}.lock"


@contextmanager
def _advisory_lock(engine: Engine, name: str, timeout: float | None) -> Iterator[None]:
    """Hold an advisory lock by a transaction: PostgreSQL frees the lock if this process is gone."""
    function = sqlalchemy.func.pg_advisory_xact_lock
    with engine.begin() as connection:
        if timeout == 0:
            attempt = sqlalchemy.func.pg_try_advisory_xact_lock(_number(name))
            if not connection.execute(sqlalchemy.select(attempt)).scalar_one():
                raise LockTimeout(f"another process holds the lock {name!r}")
        else:
            if timeout is not None:
                limit = f"{round(1_000 * timeout)}ms"
                setting = sqlalchemy.func.set_config("lock_timeout", limit, True)
                connection.execute(sqlalchemy.select(setting))
            try:
                connection.execute(sqlalchemy.select(function(_number(name))))
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                    raise
                held = f"another process has held the lock {name!r} for {timeout:g} s"
                raise LockTimeout(held) from None
        yield


@cache
def _engine(url: str) -> Engine:
    """The engine that this process keeps for the locks of one database."""
    return sqlalchemy.create_engine(url, pool_pre_ping=True)


def _number(name: str) -> int:
    """63 bits that stand for ``name``: PostgreSQL's locks have numbers, not names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
