"""Locks of files, which hold for the processes of this machine and end with their process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.core.errors import HarnessError, InputError

_POLL_SECONDS = 0.01


class LockTimeout(HarnessError):
    """Another process held a lock for longer than the caller waits."""


@contextmanager
def file_lock(path: Path, timeout: float | None = None) -> Iterator[None]:
    """Hold the lock of the file ``path``, waiting ``timeout`` seconds for it, None for ever.

    The folder and the file are made; the file stays. Raises LockTimeout when the time is over and
    InputError if the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(path).acquire(-1 if timeout is None else timeout, _POLL_SECONDS)
    except Timeout:
        raise LockTimeout(f"another process has held {path} for {timeout:g} s") from None
    except OSError as error:
        raise InputError(f"{path.parent}: {error.strerror}") from None
    with held:
        yield


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock of the file ``path``; a missing file is not made."""
    if not path.exists():
        return False
    try:
        with file_lock(path, timeout=0):
            return False
    except LockTimeout:
        return True


def user_lock_folder() -> Path:
    """The folder for locks that belong to no file, below the temporary folder, for this user alone.

    Made if need be. Raises InputError if it is another user's, who could then hold every lock.
    """
    folder = Path(tempfile.gettempdir()) / f"gan-harness-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = folder.lstat().st_uid
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None
    if owner != os.getuid():
        raise InputError(f"{folder} belongs to another user; set TMPDIR to a folder of your own")
    return folder
