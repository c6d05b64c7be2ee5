"""Taking turns: what one process does at a time, of all that share a study."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock
from optuna.storages import RDBStorage
from sqlalchemy.engine import Engine

from harness.core.errors import InputError
from harness.tracking.server_lock import advisory_lock, lock_number

Turn = Callable[[], AbstractContextManager[None]]
"""Makes a context in which no other process is; waits for its turn, however long."""

_POLL_SECONDS = 0.01


def turns(storage: RDBStorage, study_name: str, what: str = "") -> Turn:
    """The turns that the workers of the study ``study_name`` take at ``what``; "" is to claim.

    PostgreSQL keeps them by an advisory lock, so they hold for all machines. Elsewhere it is a file
    lock, which holds for this machine: all that a SQLite file serves. Both end with their process.
    Raises InputError if the folder of the file cannot be written.
    """
    engine = storage.engine
    name = f"{study_name}.{what}" if what else study_name
    if engine.dialect.name == "postgresql":
        return partial(advisory_lock, engine, name)
    folder, prefix = _lock_folder(engine), ""
    if engine.dialect.name != "sqlite":
        prefix = f"{lock_number(engine.url.render_as_string(hide_password=False)):x}-"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{prefix}{name}.lock"
        FileLock(path).acquire(poll_interval=_POLL_SECONDS).lock.release()
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None
    return partial(_file_lock, path)


def _lock_folder(engine: Engine) -> Path:
    if engine.dialect.name == "sqlite":
        return Path(str(engine.url.database)).parent / "locks"
    return Path(tempfile.gettempdir()) / "gan-harness-locks"


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with FileLock(path).acquire(poll_interval=_POLL_SECONDS):
        yield
