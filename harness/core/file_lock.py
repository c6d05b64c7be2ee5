"""Locks of files, which hold for the processes of this machine and end with their process."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    """The folder for locks that belong to no file, for this user alone; made if it is missing.

    ``gan-harness`` in XDG_RUNTIME_DIR, if that names a folder of this user with mode 0700; else
    ``gan-harness-UID`` in the temporary folder. Raises InputError unless the folder belongs to this
    user, is no link and is closed to all others, who could hold or remove the locks in it.
    """
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or ".")
    try:
        if runtime.is_absolute() and _unsafe(runtime) is None:
            folder = runtime / "gan-harness"
        else:
            folder = Path(tempfile.gettempdir()) / f"gan-harness-{os.geteuid()}"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    except OSError as error:
        where = error.filename or "the temporary folder"
        raise InputError(f"{where}: {error.strerror or error}; {_REMEDY}") from None
    if reason := _unsafe(folder):
        raise InputError(f"{folder} {reason}; {_REMEDY}")
    return folder


_REMEDY = "set XDG_RUNTIME_DIR or TMPDIR to a folder of your own with mode 0700"


def _unsafe(folder: Path) -> str | None:
    """Why others may change what is in ``folder``, as the end of a sentence; None if nobody can."""
    try:
        status = folder.lstat()  # of the name itself: a link may be turned elsewhere later
    except OSError as error:
        return f"cannot be examined ({error.strerror})"
    if stat.S_ISLNK(status.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(status.st_mode):
        return "is no folder"
    if status.st_uid != os.geteuid():
        return f"belongs to another user (uid {status.st_uid})"
    if status.st_mode & 0o077:
        return f"is open to other users (mode {stat.S_IMODE(status.st_mode):04o})"
    return None
