"""One SQLite database file: integrity checks, write-ahead logging and atomic creation."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.pool import Pool, QueuePool

from harness.core.errors import InputError

_BUSY_SECONDS = 20.0
_POOL_LOG = logging.getLogger(f"{QueuePool.__module__}.{QueuePool.__name__}")


def is_missing(path: Path) -> bool:
    """True if nothing exists at ``path``, or an empty file."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def check_file(path: Path, program: str, table: str) -> None:
    """Raise InputError unless ``path`` is an intact SQLite database with ``table`` of ``program``.

    Reads only, and only through SQLite: opening and closing the file in any other way would release
    the locks that this process holds on it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file")
    try:
        with _connection(path, mode="ro") as connection:
            finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in rows}
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise InputError(f"{path} is not a SQLite database") from None
        raise InputError(f"{path} cannot be read: {error}") from None
    if finding != "ok":
        raise InputError(f"{path} is damaged: {finding.splitlines()[-1]}; restore a copy of it")
    if table not in tables:
        raise InputError(f"{path} is not a database of {program}: it has no table {table!r}")


def journal_mode(path: Path) -> str:
    """The database's journal mode, ``wal`` after ``enable_wal``. Reads only."""
    with _connection(path, mode="ro") as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def enable_wal(path: Path) -> None:
    """Set write-ahead logging, stored in the file, so that readers and one writer work at once.

    See https://www.sqlite.org/wal.html; for local disks only. Raises InputError if the file cannot
    be written.
    """
    try:
        with _connection(path, mode="rw") as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise InputError(f"{path} cannot be written: {error}") from None
    if mode != "wal":
        raise InputError(f"{path}: the file system refuses write-ahead logging; use a local disk")


def create_file(path: Path, create: Callable[[Path], None]) -> None:
    """Create the database at ``path`` by ``create``, which is called with a temporary path.

    The complete file is moved to ``path``, so a process killed midway leaves no partial database
    there; its temporary folder is removed by the next call. Must not run in two processes at once.
    """
    prefix = f".{path.name}-"
    for left in path.parent.iterdir():
        if left.name.startswith(prefix):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
    try:
        create(folder / path.name)
        enable_wal(folder / path.name)
        os.replace(folder / path.name, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def roll_back_on_interrupt() -> None:
    """Roll back SQLite transactions whose statement Ctrl-C interrupted, in this process.

    SQLAlchemy closes the connection of such a statement. SQLite, however, ends a connection and its
    transaction only when the connection's last statement is freed, and the traceback references
    this one: the database would stay locked, and the trial's end could not be written.
    """
    if not event.contains(Pool, "invalidate", _roll_back):
        event.listen(Pool, "invalidate", _roll_back)
    _POOL_LOG.addFilter(_is_no_interruption)


def _is_no_interruption(record: logging.LogRecord) -> bool:
    """Whether to log it: that a cursor's connection is closed is no news where Ctrl-C closed it."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return False
        error = error.__context__
    return True


def _roll_back(connection: object, record: object, error: BaseException | None) -> None:
    """Handle SQLAlchemy's ``invalidate``: ``connection`` will be closed because of ``error``."""
    if isinstance(connection, sqlite3.Connection):
        connection.rollback()


@contextmanager
def _connection(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    try:
        yield connection
    finally:
        connection.close()
