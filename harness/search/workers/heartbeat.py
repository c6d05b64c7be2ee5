"""Which trials still have a worker: heartbeats in the storage, and a file that each worker locks.

A file's lock ends with its process, so on one machine a worker that was killed is known at once.
Of another machine's worker nothing is known but its heartbeat.
"""

from __future__ import annotations

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
"""A worker that was silent for so long is given up: it, or its machine, or the network is gone.

It is longer than a worker waits for a database server that has stopped.
"""

_STUDIES, _TRIALS, _HEARTBEATS = (
    sqlalchemy.table(name, *map(sqlalchemy.column, columns))
    for name, columns in (
        ("studies", ("study_id", "study_name")),
        ("trials", ("trial_id", "study_id", "number")),
        ("trial_heartbeats", ("trial_id", "heartbeat")),
    )
)


class WorkerIdentity:
    """A name that no other worker has, and a locked file that tells this machine it is alive."""

    def __init__(self) -> None:
        """Take the name; it is given back by ``close`` or by the end of the process."""
        self.name = uuid.uuid4().hex
        self.path = _file_of(self.name)
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Itself, its file locked."""
        self._held.enter_context(file_lock(self.path))
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        """Unlock the file and remove it; after an exception it stays, as after a kill.

        Then a trial may still be noted as this worker's, and the file tells that it is gone.
        """
        self._held.close()
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


def close_stale(
    study: optuna.Study, storage: RDBStorage, trials: Sequence[FrozenTrial] | None = None
) -> list[int]:
    """End the trials whose worker is gone, as interrupted; their numbers.

    For the holder of the study's turn, who may have read the ``trials`` in it already.
    """
    dead = _stale(study, storage, _running(study, trials))
    for trial_id in dead.values():
        close_interrupted(storage, trial_id)
    return list(dead)


def has_live_worker(study: optuna.Study, storage: RDBStorage) -> bool:
    """Whether some worker runs a trial of the study now. For the holder of the study's turn."""
    running = _running(study)
    return len(_stale(study, storage, running)) < len(running)


def _running(study: optuna.Study, trials: Sequence[FrozenTrial] | None = None) -> list[FrozenTrial]:
    if trials is None:
        trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state == TrialState.RUNNING]


def _stale(
    study: optuna.Study, storage: RDBStorage, running: Sequence[FrozenTrial]
) -> dict[int, int]:
    """Number -> Optuna's id of those of the ``running`` trials whose worker is gone.

    A trial gets its first heartbeat and its worker's name in the turn in which it is handed out:
    one without has lost its worker in that turn.
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
    worker = trial.user_attrs.get(TrialAttribute.WORKER)
    if worker is None or age is None:
        return True
    return age > STALE_SECONDS or _is_file_unlocked(str(worker))


def _is_file_unlocked(worker: str) -> bool:
    """Whether the worker was on this machine and is no more."""
    path = _file_of(worker)
    # Without a file the worker is another machine's, or its file was cleaned away.
    return path.exists() and not is_locked(path)


def _heartbeats(
    study: optuna.Study, storage: RDBStorage, numbers: Sequence[int]
) -> dict[int, tuple[int, float | None]]:
    """Trial number -> (Optuna's id, seconds since its last heartbeat or None if it has none).

    Both times are told by the database's clock.
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
    return user_lock_folder() / f"worker-{worker}.lock"
