"""Which trials are stale: heartbeats in the storage, and a file that each worker locks.

A file's lock ends with its process, so that a worker killed on this machine is noticed at once, and
one that lives is never taken for dead, however old its heartbeat: the machine may have slept, its
clock may have been set. A worker of another machine or user is known by its heartbeat alone.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from harness.core.file_lock import file_lock, is_locked, user_lock_folder
from harness.core.schema import TrialAttribute
from harness.search.study.trials import close_interrupted
from harness.tracking.stores.reconnect import RECONNECT_SECONDS

HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = RECONNECT_SECONDS + 60.0
"""A trial is stale after so long without a heartbeat, unless its worker's file is on this machine.

Longer than a worker waits for a database server that has stopped, so that an outage makes no trial
stale.
"""

_WORKER_NAME = re.compile(r"[0-9a-f]{32}")

_STUDIES, _TRIALS, _HEARTBEATS = (
    sqlalchemy.table(name, *map(sqlalchemy.column, columns))
    for name, columns in (
        ("studies", ("study_id", "study_name")),
        ("trials", ("trial_id", "study_id", "number")),
        ("trial_heartbeats", ("trial_id", "heartbeat")),
    )
)


class WorkerIdentity:
    """A unique name, and a file of that name that stays locked while the worker runs."""

    def __init__(self) -> None:
        """Choose the name; the file is locked on entering the block."""
        self.name = uuid.uuid4().hex
        self.path = _file_of(self.name)
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Itself, its file locked."""
        self._held.enter_context(file_lock(self.path))
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        """Unlock the file and remove it; after an exception the file stays, as after a kill.

        A trial may then still name this worker; the unlocked file shows that the worker is gone.
        """
        self._held.close()
        if kind is None:
            self.path.unlink(missing_ok=True)


@contextmanager
def heartbeat(storage: RDBStorage, trial_id: int) -> Iterator[None]:
    """Record a heartbeat of the trial every ``HEARTBEAT_SECONDS`` while inside the block."""
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(storage, trial_id, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def close_stale(
    study: optuna.Study, storage: RDBStorage, trials: Sequence[FrozenTrial] | None = None
) -> list[int]:
    """End the stale trials as interrupted; their numbers.

    For the holder of the study lock. ``trials``: all of the study, if they were read already.
    """
    stale = _stale(study, storage, _running(study, trials))
    for trial_id in stale.values():
        close_interrupted(storage, trial_id)
    return list(stale)


def has_live_worker(study: optuna.Study, storage: RDBStorage) -> bool:
    """Whether some worker runs a trial of the study now. For the holder of the study lock."""
    running = _running(study)
    return len(_stale(study, storage, running)) < len(running)


def silent_workers(study: optuna.Study, storage: RDBStorage) -> dict[int, Path]:
    """Trial number -> file of its worker, where that lives here without heartbeats of late.

    Such a worker was stopped or hangs, or the machine has slept. Its trial is not stale.
    """
    running = _running(study)
    beats = _heartbeats(study, storage, [trial.number for trial in running])
    files = {trial.number: _worker_file(trial) for trial in running}
    return {
        number: file
        for number, file in files.items()
        if file and is_locked(file) and (beats[number][1] or 0.0) > STALE_SECONDS
    }


def _running(study: optuna.Study, trials: Sequence[FrozenTrial] | None = None) -> list[FrozenTrial]:
    if trials is None:
        trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state == TrialState.RUNNING]


def _stale(
    study: optuna.Study, storage: RDBStorage, running: Sequence[FrozenTrial]
) -> dict[int, int]:
    """Number -> Optuna's id of the stale ones among the ``running`` trials.

    A trial gets its first heartbeat and its worker's name under the lock under which it is handed
    out: without them its worker died while it held the lock. A name that no worker has counts as
    none.
    """
    if not running:
        return {}
    beats = _heartbeats(study, storage, [trial.number for trial in running])
    return {
        trial.number: beats[trial.number][0]
        for trial in running
        if _is_stale(trial, beats[trial.number][1])
    }


def _is_stale(trial: FrozenTrial, age: float | None) -> bool:
    file = _worker_file(trial)
    if file is None or age is None:
        return True
    if file.exists():
        return not is_locked(file)
    # The worker is on another machine, another user's, or in another folder for locks.
    return age > STALE_SECONDS


def _worker_file(trial: FrozenTrial) -> Path | None:
    """The file that the trial's worker locks, if it runs here; None if no worker is named.

    The name comes from a database that others may write: one that no worker has names no file.
    """
    worker = trial.user_attrs.get(TrialAttribute.WORKER)
    if not isinstance(worker, str) or not _WORKER_NAME.fullmatch(worker):
        return None
    return _file_of(worker)


def _heartbeats(
    study: optuna.Study, storage: RDBStorage, numbers: Sequence[int]
) -> dict[int, tuple[int, float | None]]:
    """Trial number -> (Optuna's id, seconds since its last heartbeat or None if it has none).

    Both times are read from the database's clock.
    """
    query = (
        sqlalchemy.select(
            _TRIALS.c.number, _TRIALS.c.trial_id, _HEARTBEATS.c.heartbeat, sqlalchemy.func.now()
        )
        .select_from(_TRIALS)
        .join(_STUDIES, _STUDIES.c.study_id == _TRIALS.c.study_id)
        .outerjoin(_HEARTBEATS, _HEARTBEATS.c.trial_id == _TRIALS.c.trial_id)
        .where(_STUDIES.c.study_name == study.study_name, _TRIALS.c.number.in_(numbers))
    )
    with storage.engine.connect() as connection:
        rows = connection.execute(query).all()
    return {
        number: (
            trial_id,
            None if beat is None else (_moment(now) - _moment(beat)).total_seconds(),
        )
        for number, trial_id, beat, now in rows
    }


def _moment(value: datetime | str) -> datetime:
    """A time from the database, without its time zone; SQLite returns text."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=None)


def _beat(storage: RDBStorage, trial_id: int, over: threading.Event) -> None:
    """Record heartbeats until ``over``; one that fails is skipped, since no trial ends for it."""
    while not over.wait(HEARTBEAT_SECONDS):
        try:
            storage.record_heartbeat(trial_id)
        except Exception:
            continue
    storage.remove_session()


def _file_of(worker: str) -> Path:
    return user_lock_folder() / f"worker-{worker}.lock"
