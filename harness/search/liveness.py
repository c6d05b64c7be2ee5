"""Which trials still have a worker: heartbeats in the storage, and a file that each worker locks.

A file's lock ends with its process, so on one machine a worker that was killed is known at once.
Of another machine's worker nothing is known but its heartbeat.
"""

from __future__ import annotations

import os
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

import optuna
import sqlalchemy
from filelock import FileLock, Timeout
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from harness.search.storage import close_interrupted
from harness.tracking.patience import PATIENCE_SECONDS

WORKER_ATTRIBUTE = "worker"
"""Optuna's user attribute of a trial for the name of the worker that runs it."""

HEARTBEAT_SECONDS = 15.0
GRACE_SECONDS = PATIENCE_SECONDS + 60.0
"""A worker that was silent for so long is given up: it, or its machine, or the network is gone.

It is longer than a worker waits for a database server that has stopped.
"""

_HEARTBEATS = sqlalchemy.table(
    "trial_heartbeats", sqlalchemy.column("trial_id"), sqlalchemy.column("heartbeat")
)


class WorkerName:
    """A name that no other worker has, and a locked file that tells this machine it is alive."""

    def __init__(self) -> None:
        """Take the name; it is given back at the end of the context or of the process."""
        self.name = uuid.uuid4().hex
        self.path = _file_of(self.name)
        self._lock = FileLock(self.path)

    def __enter__(self) -> Self:
        """Itself, its file locked."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Unlock the file and remove it; after an error it stays: a trial may have been left."""
        self._lock.release()
        if kind is None:
            self.path.unlink(missing_ok=True)


@contextmanager
def heartbeat(storage: RDBStorage, trial_id: int) -> Iterator[None]:
    """Record that the trial's worker is alive, every ``HEARTBEAT_SECONDS``, while inside."""
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(storage, trial_id, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def dead_trials(storage: RDBStorage, running: Mapping[int, FrozenTrial]) -> list[int]:
    """The keys of those of the ``running`` trials, by Optuna's id, whose worker is gone.

    For the holder of the study's turn. A trial gets its first heartbeat and its worker's name in
    the turn in which it is handed out: one without has lost its worker in that turn.
    """
    if not running:
        return []
    ages = _heartbeat_ages(storage, list(running))
    return [trial_id for trial_id, trial in running.items() if _is_dead(trial, ages.get(trial_id))]


def close_dead(study: optuna.Study, storage: RDBStorage) -> list[int]:
    """End the trials whose worker is gone, as interrupted; their numbers.

    For the holder of the study's turn.
    """
    running = _running(study, storage)
    dead = dead_trials(storage, running)
    for trial_id in dead:
        close_interrupted(storage, trial_id)
    return [running[trial_id].number for trial_id in dead]


def is_worked_at(study: optuna.Study, storage: RDBStorage) -> bool:
    """Whether some worker runs a trial of the study now. For the holder of the study's turn."""
    running = _running(study, storage)
    return len(dead_trials(storage, running)) < len(running)


def _running(study: optuna.Study, storage: RDBStorage) -> dict[int, FrozenTrial]:
    study_id = storage.get_study_id_from_name(study.study_name)
    return {
        storage.get_trial_id_from_study_id_trial_number(study_id, trial.number): trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    }


def _is_dead(trial: FrozenTrial, age: float | None) -> bool:
    worker = trial.user_attrs.get(WORKER_ATTRIBUTE)
    if worker is None or age is None:
        return True
    return age > GRACE_SECONDS or _left_its_file(str(worker))


def _left_its_file(worker: str) -> bool:
    """Whether the worker was on this machine and is no more."""
    path = _file_of(worker)
    if not path.exists():  # another machine's, or cleaned away: its heartbeat decides
        return False
    try:
        with FileLock(path, timeout=0):
            return True
    except Timeout:
        return False


def _heartbeat_ages(storage: RDBStorage, trial_ids: list[int]) -> dict[int, float]:
    """Trial -> seconds since its last heartbeat, both times told by the database's clock."""
    columns = _HEARTBEATS.c
    query = sqlalchemy.select(columns.trial_id, columns.heartbeat, sqlalchemy.func.now())
    with storage.engine.connect() as connection:
        rows = connection.execute(query.where(columns.trial_id.in_(trial_ids))).all()
    return {
        trial_id: (_moment(now) - _moment(heartbeat)).total_seconds()
        for trial_id, heartbeat, now in rows
    }


def _moment(value: datetime | str) -> datetime:
    """What the database said, without its time zone: SQLite gives text."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=None)


def _beat(storage: RDBStorage, trial_id: int, over: threading.Event) -> None:
    """Where a beat cannot be recorded the next one is tried: it is no reason to end a trial."""
    while not over.wait(HEARTBEAT_SECONDS):
        try:
            storage.record_heartbeat(trial_id)
        except Exception:
            continue
    storage.remove_session()


def _file_of(worker: str) -> Path:
    return Path(tempfile.gettempdir()) / f"gan-harness-workers-{os.getuid()}" / f"{worker}.lock"
