"""Locks by name: one process at a time, a limit to the waiting, free when the holder is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.core.file_lock import LockTimeout, file_lock, is_locked, user_lock_folder
from harness.tracking.stores.locks import TABLES, lock, lock_file

HOLD = """
import sys, time
from harness.tracking.stores.locks import lock
with lock(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(params=["sqlite", "postgresql", "mysql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return f"sqlite:///{tmp_path}/optuna.db" if request.param == "sqlite" else "mysql://host/db"


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


def test_the_folder_for_locks_is_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = user_lock_folder()
    assert folder.stat().st_mode & 0o777 == 0o700
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    folder.rename(tmp_path / f"gan-harness-{other}")
    with pytest.raises(InputError, match="belongs to another user"):
        user_lock_folder()
