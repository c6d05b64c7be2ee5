"""Locks by name: one process at a time, a limit to the waiting, free when the holder is gone."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from harness.core.errors import InputError
from harness.core.file_lock import LockTimeout, file_lock, is_locked
from harness.tracking.stores.locks import TABLES, lock, lock_file

HOLD = """
import sys, time
from harness.tracking.stores.locks import lock
with lock(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["sqlite", "postgresql", "an MLflow server"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return f"sqlite:///{tmp_path}/optuna.db" if request.param == "sqlite" else "http://host:5000"


def test_another_process_waits_until_the_holder_is_gone(url: str) -> None:
    command = [sys.executable, "-c", HOLD, url, "s"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for timeout in (0, 0.2):
            with pytest.raises(LockTimeout, match="another process h"), lock(url, "s", timeout):
                pytest.fail("two processes hold one lock")
        with lock(url, "t", timeout=0):  # another name is another lock
            pass
        holder.send_signal(signal.SIGKILL)
    with lock(url, "s", timeout=30):
        pass


def test_the_files_of_a_sqlite_database_lie_beside_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    assert lock_file(url, "slopes") == tmp_path / "locks" / "slopes.lock"
    assert lock_file(url, TABLES) == tmp_path / ".lock"


def test_a_lock_of_a_file_that_is_not_there_is_free_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "a" / "x.lock"
    assert not is_locked(path)
    assert not path.parent.exists()
    with file_lock(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(InputError, match="a: "), file_lock(tmp_path / "a" / "x.lock"):
        pass


class NamedLocks:
    """What MySQL does for GET_LOCK, RELEASE_LOCK and the end of a connection, in SQLite.

    Its locks belong to connections, and their names have at most 64 characters.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Be the server of every MySQL address from here on."""
        self.names: set[str] = set()
        self._holders: dict[str, object] = {}
        self._changed = threading.Condition()
        self._create_engine = sqlalchemy.create_engine
        monkeypatch.setattr(sqlalchemy, "create_engine", self.engine)

    def engine(self, url: str, **options: object) -> sqlalchemy.Engine:
        engine = self._create_engine("sqlite://", **options)
        engine.url = sqlalchemy.make_url(url)
        sqlalchemy.event.listen(engine, "connect", self._serve)
        sqlalchemy.event.listen(engine, "close", lambda connection, _: self._end(connection))
        return engine

    def _serve(self, connection: sqlite3.Connection, _: object) -> None:
        connection.create_function("get_lock", 2, lambda *given: self._get(connection, *given))
        connection.create_function("release_lock", 1, lambda name: self._release(connection, name))

    def _get(self, connection: object, name: str, seconds: int) -> int:
        assert len(name) <= 64
        assert isinstance(seconds, int)
        self.names.add(name)
        with self._changed:
            free = self._changed.wait_for(lambda: name not in self._holders, seconds)
            if free:
                self._holders[name] = connection
            return int(free)

    def _release(self, connection: object, name: str) -> int | None:
        with self._changed:
            mine = self._holders.get(name) is connection
            if mine:
                del self._holders[name]
                self._changed.notify_all()
            return 1 if mine else None

    def _end(self, connection: object) -> None:
        for name in [name for name, holder in self._holders.items() if holder is connection]:
            self._release(connection, name)


@pytest.fixture
def mysql(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[NamedLocks]:
    """A stand-in for a MySQL server; no lock of it may be a file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield NamedLocks(monkeypatch)
    assert list(tmp_path.iterdir()) == []


def test_mysql_keeps_the_locks_of_its_databases(mysql: NamedLocks) -> None:
    url = "mysql://me@one/db"
    assert lock_file(url, "s") is None
    with lock(url, "s", timeout=5), lock(url, "t", timeout=0), lock("mysql://me@one/x", "s", 0):
        for timeout, said in ((0, "another process holds"), (0.2, "held the lock 's' for 0.2 s")):
            with pytest.raises(LockTimeout, match=said), lock(url, "s", timeout):
                pytest.fail("two connections hold one lock")
    with lock(url, "x" * 300):
        pass
    assert len(mysql.names) == 4
    with pytest.raises(KeyboardInterrupt), lock(url, "s"):
        raise KeyboardInterrupt
    with lock(url, "s", timeout=0):
        pass


def test_a_lock_of_mysql_ends_with_its_connection(mysql: NamedLocks) -> None:
    """As when the process that holds it is killed."""
    url = "mysql://me@two/db"
    inside = lock(url, "s")
    inside.__enter__()
    (connection,) = mysql._holders.values()
    mysql._end(connection)
    with lock(url, "s", timeout=0):
        pass
