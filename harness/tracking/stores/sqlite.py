"""One SQLite database file: is it sound, and how it comes to be without ever being half there."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.pool import Pool

from harness.core.errors import InputError

_BUSY_SECONDS = 20.0


def is_missing(path: Path) -> bool:
    """True if there is nothing at ``path`` yet, or an empty file."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def check_file(path: Path, program: str, table: str) -> None:
    """Pass if ``path`` is a sound SQLite database with the ``table`` by which ``program`` is known.

    Reads only, and by SQLite alone: to open and close the file in any other way would end the locks
    that this process holds on it (https://www.sqlite.org/howtocorrupt.html, section 2.2). Raises
    InputError with the reason otherwise.
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
    """The database's journal mode: ``wal`` once ``enable_wal`` was there. Reads only."""
    with _connection(path, mode="ro") as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def enable_wal(path: Path) -> None:
    """Let readers and one writer work at once: write-ahead logging, kept in the file.

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
    """Make the database at ``path`` by ``create``, which fills the path it is given.

    It is filled under another name and moved when it is complete, so a process that is killed
    midway leaves no half-made database; what it leaves is removed here. For one process at a time.
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
    """From now on, let no statement that Ctrl-C cut off keep its database locked.

    SQLAlchemy closes the connection of such a statement. But SQLite ends a connection, and its
    transaction, only when the last of its statements is gone, and this one lives as long as the
    traceback: the trial's end could not be written.
    """
    if not event.contains(Pool, "invalidate", _roll_back):
        event.listen(Pool, "invalidate", _roll_back)


def _roll_back(connection: object, record: object, error: BaseException | None) -> None:
    """SQLAlchemy's event: ``connection`` is about to be closed because of ``error``."""
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
