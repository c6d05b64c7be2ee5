"""Locks of a database by name, against all processes that use it.

PostgreSQL and MySQL keep them, for the processes of all users and machines. Elsewhere a lock is a
file: beside a SQLite file, for all who use the file; for an MLflow server in the user's folder for
locks, for this user on this machine.
"""

from __future__ import annotations

import hashlib
import math
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

_LONGEST_SECONDS = 31_536_000  # MySQL's own limit, a year; MariaDB takes no negative number
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's error code for a lock_timeout that is over


@contextmanager
def lock(url: str, name: str, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock ``name`` of the database at ``url``; wait ``timeout`` seconds, None for ever.

    A lock ends with its process, or with its connection to a database server. Raises LockTimeout
    when the time is over, InputError if the folder of a lock file cannot be used, and
    SQLAlchemyError if the server cannot be reached.
    """
    file = lock_file(url, name)
    if file is not None:
        held = file_lock(file, timeout)
    elif url.startswith("mysql"):
        held = _named_lock(_engine(url), name, timeout)
    else:
        held = _advisory_lock(_engine(url), name, timeout)
    with held:
        yield


def lock_file(url: str, name: str) -> Path | None:
    """The file of the lock ``name`` of the store at ``url``; None where a server keeps the lock."""
    if url.startswith(("postgresql", "mysql")):
        return None
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


@contextmanager
def _named_lock(engine: Engine, name: str, timeout: float | None) -> Iterator[None]:
    """Hold one of MySQL's named locks by a connection: MySQL frees it if this process is gone.

    Names hold for all databases of a server and have at most 64 characters.
    """
    key = f"gan-harness {_number(f'{engine.url.database}/{name}'):x}"
    seconds = _LONGEST_SECONDS if timeout is None else math.ceil(timeout)
    with engine.connect() as connection:
        attempt = sqlalchemy.func.get_lock(key, seconds)
        if connection.execute(sqlalchemy.select(attempt)).scalar_one() != 1:
            held = "another process holds" if timeout == 0 else "another process has held"
            raise LockTimeout(f"{held} the lock {name!r}{f' for {timeout:g} s' if timeout else ''}")
        try:
            yield
        finally:
            connection.execute(sqlalchemy.select(sqlalchemy.func.release_lock(key)))


@cache
def _engine(url: str) -> Engine:
    """The engine that this process keeps for the locks of one database.

    A connection to MySQL is closed after use, not kept: were its lock not released because of an
    interruption, the lock would end with the connection alone.
    """
    if url.startswith("mysql"):
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    return sqlalchemy.create_engine(url, pool_pre_ping=True)


def _number(name: str) -> int:
    """63 bits that stand for ``name``: PostgreSQL's locks have numbers, not names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
