"""The study lock: the mutex of all processes that share a study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from optuna.storages import RDBStorage

from harness.core.file_lock import LockTimeout
from harness.tracking.stores.locks import lock, lock_file


def study_lock(
    storage: RDBStorage, study_name: str, purpose: str = ""
) -> AbstractContextManager[None]:
    """A context in which no other process holds the lock of the study for the same ``purpose``.

    purpose: "" hands out trials; any other word is a lock of its own. The context waits for the
    lock for ever. Raises InputError if the folder of a lock file cannot be written.
    """
    return lock(_url(storage), f"{study_name}.{purpose}" if purpose else study_name)


@contextmanager
def study_lock_if_free(storage: RDBStorage, study_name: str) -> Iterator[bool]:
    """Hold the study lock unless another process holds it; yields whether this process does.

    A lock file that no worker ever made is not made here: such a study counts as free.
    """
    url = _url(storage)
    with ExitStack() as held:
        try:
            file = lock_file(url, study_name)
            if file is None or file.exists():
                held.enter_context(lock(url, study_name, timeout=0))
        except LockTimeout:
            yield False
        else:
            yield True


def _url(storage: RDBStorage) -> str:
    return storage.engine.url.render_as_string(hide_password=False)
