"""A lock that a PostgreSQL server keeps: it holds for the processes of all machines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy.engine import Engine


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
