"""Taking turns: what one process does at a time, of all that share a study."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout
from optuna.storages import RDBStorage
from sqlalchemy.engine import Engine

from harness.core.errors import InputError
from harness.tracking.stores.layout import Layout
from harness.tracking.stores.locks import advisory_lock, advisory_lock_if_free, lock_number

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
    path = _lock_file(engine, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        FileLock(path).acquire(poll_interval=_POLL_SECONDS).lock.release()
    except OSError as error:
        raise InputError(f"{path.parent}: {error.strerror}") from None
    return partial(_file_lock, path)


@contextmanager
def turn_if_free(storage: RDBStorage, study_name: str) -> Iterator[bool]:
    """Take a turn at claiming, if no process has it now: whether it was taken.

    Where no worker ever took one, no file is made for it.
    """
    engine = storage.engine
    if engine.dialect.name == "postgresql":
        with advisory_lock_if_free(engine, study_name) as free:
            yield free
        return
    path = _lock_file(engine, study_name)
    with ExitStack() as held:
        try:
            if path.exists():
                held.enter_context(FileLock(path, timeout=0))
        except Timeout:
            yield False
        else:
            yield True


def _lock_file(engine: Engine, name: str) -> Path:
    if engine.dialect.name == "sqlite":
        return Layout(Path(str(engine.url.database)).parent).study_lock(name)
    server = lock_number(engine.url.render_as_string(hide_password=False))
    return Path(tempfile.gettempdir()) / "gan-harness-locks" / f"{server:x}-{name}.lock"


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with FileLock(path).acquire(poll_interval=_POLL_SECONDS):
        yield
