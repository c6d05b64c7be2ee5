"""A lock that a PostgreSQL server keeps: it holds for the processes of all machines."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from filelock import FileLock, Timeout
from sqlalchemy.engine import Engine

from harness.core.errors import HarnessError
from harness.tracking.stores.layout import LOCK_NAME


@contextmanager
def advisory_lock(engine: Engine, name: str, seconds: float | None = None) -> Iterator[None]:
    """Hold the lock ``name`` of the database, waiting for it ``seconds``, or however long.

    It is held by a transaction: it is free again when this process, or its connection, is gone.
    Raises SQLAlchemy's OperationalError when the time is over.
    """
    lock = sqlalchemy.func.pg_advisory_xact_lock(lock_number(name))
    with engine.begin() as connection:
        if seconds is not None:
            limit = sqlalchemy.func.set_config("lock_timeout", f"{round(1_000 * seconds)}ms", True)
            connection.execute(sqlalchemy.select(limit))
        connection.execute(sqlalchemy.select(lock))
        yield


@contextmanager
def advisory_lock_if_free(engine: Engine, name: str) -> Iterator[bool]:
    """Hold the lock ``name`` of the database, unless another has it now: whether it was free."""
    lock = sqlalchemy.func.pg_try_advisory_xact_lock(lock_number(name))
    with engine.begin() as connection:
        yield bool(connection.execute(sqlalchemy.select(lock)).scalar_one())


def lock_number(name: str) -> int:
    """63 bits that stand for ``name``: PostgreSQL's locks have numbers, not names."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


_LOCK_SECONDS = 120.0


@contextmanager
def store_lock(uri: str) -> Iterator[None]:
    """Hold the lock of the store at ``uri`` against all other processes that use it.

    PostgreSQL keeps it for all machines. Elsewhere it is a file and holds for this one: beside a
    SQLite file, whose folder is created, else in the system's temporary folder. It is waited for
    two minutes: then OperationalError of PostgreSQL, else HarnessError.
    """
    hold = _server_lock if uri.startswith("postgresql") else _file_lock
    with hold(uri):
        yield


@contextmanager
def _server_lock(uri: str) -> Iterator[None]:
    engine = sqlalchemy.create_engine(uri)
    try:
        with advisory_lock(engine, "gan-harness: tables", _LOCK_SECONDS):
            yield
    finally:
        engine.dispose()


@contextmanager
def _file_lock(uri: str) -> Iterator[None]:
    if uri.startswith("sqlite:///"):
        folder = Path(uri.removeprefix("sqlite:///")).parent
        folder.mkdir(parents=True, exist_ok=True)
        lock_file = folder / LOCK_NAME
    else:
        key = hashlib.sha256(uri.encode()).hexdigest()[:16]
        lock_file = Path(tempfile.gettempdir()) / f"gan-harness-{key}.lock"
    try:
        with FileLock(lock_file, timeout=_LOCK_SECONDS):
            yield
    except Timeout:
        raise HarnessError(
            f"another process has held {lock_file} for {_LOCK_SECONDS:.0f} s; is one stuck?"
        ) from None
