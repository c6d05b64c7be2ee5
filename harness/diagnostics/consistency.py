"""Compares both stores, and repairs what a crash or a move of the folder left behind.

A study is examined and repaired under its lock, so a running study is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from harness.core.schema import FinalState
from harness.diagnostics.installation import Finding
from harness.diagnostics.relocation import find_misplaced, relocate
from harness.search.study.lock import study_lock_if_free
from harness.search.study.storage import connect
from harness.search.study.trials import trial_endings
from harness.search.workers.heartbeat import (
    STALE_SECONDS,
    close_stale,
    has_live_worker,
    silent_workers,
)
from harness.tracking.reconcile import (
    RecordedRun,
    RecordedStudy,
    disagreeing,
    reconcile_study,
    recorded_studies,
)
from harness.tracking.stores.artifact_places import ArtifactPlaces, artifact_places
from harness.tracking.stores.databases import has_table
from harness.tracking.stores.layout import Stores
from harness.tracking.stores.mlflow_server import is_server_uri
from harness.tracking.stores.sqlite import enable_wal, is_missing, journal_mode
from harness.tracking.stores.urls import parse

REPAIR = "python -m harness.doctor --repair"


@dataclass(frozen=True)
class _Studies:
    """The studies of both stores by name; ``storage`` is None if Optuna has no database yet."""

    storage: RDBStorage | None
    searched: dict[str, optuna.Study]
    recorded: dict[str, RecordedStudy]

    @property
    def names(self) -> list[str]:
        return sorted({*self.searched, *self.recorded})

    @contextmanager
    def idle(self, name: str) -> Iterator[bool]:
        """Hold the study lock; False if the study is running."""
        search = self.searched.get(name)
        if search is None or self.storage is None:
            yield True
            return
        with study_lock_if_free(self.storage, name) as free:
            yield free and not has_live_worker(search, self.storage)


def examine_studies(stores: Stores) -> Iterator[Finding]:
    """One finding per study: consistent in both stores, running, or its problems.

    Raises InputError, with what to do, for a database of Optuna that is damaged or of another
    version, and what MLflow raises for its own.
    """
    places = artifact_places(stores.tracking_uri, stores.layout)
    with _reading(stores) as studies:
        for name in studies.names:
            with studies.idle(name) as idle:
                if not idle:
                    yield _running(name, studies)
                    continue
                study = studies.recorded.get(name, RecordedStudy(name, (), ()))
                problems = _problems(study, studies.searched.get(name), places)
            sound = f"{len(study.runs)} trials, the same in both stores"
            yield Finding(f"study {name}", None if problems else True, "; ".join(problems) or sound)


def _running(name: str, studies: _Studies) -> Finding:
    """The finding about a running study: sound, unless a worker of this machine may hang."""
    search, silent = studies.searched.get(name), {}
    if search is not None and studies.storage is not None:
        silent = silent_workers(search, studies.storage)
    found = "is running now"
    for number, file in sorted(silent.items()):
        found += (
            f"; the worker of trial {number} lives, but gave no sign for over "
            f"{STALE_SECONDS / 60:.0f} minutes: if it hangs, end the process that holds {file}"
        )
    return Finding(f"study {name}", None if silent else True, found)


def examine_addresses(stores: Stores) -> Iterator[Finding]:
    """The studies whose files are not at the address that MLflow has, as after a move."""
    database = _file(stores.tracking_uri)
    if database is None or is_missing(database):
        return
    for found in find_misplaced(database, stores.layout.artifact_root):
        detail = f"are at {found.new}, MLflow expects them at {found.old}; run {REPAIR}"
        if found.missing:
            detail = f"{found.missing} runs have files at {found.old} and none at {found.new}"
        yield Finding(f"files of {found.study}", None, detail)


def repair_stores(stores: Stores) -> Iterator[Finding]:
    """Repair journal modes, addresses of artifacts, and stale trials and runs; what was changed."""
    for path in map(_file, (stores.tracking_uri, stores.storage_url)):
        if path is not None and not is_missing(path) and journal_mode(path) != "wal":
            enable_wal(path)
            yield Finding(path.name, True, "repaired: set to write-ahead logging")
    yield from _repair_addresses(stores)
    with _reading(stores) as studies:
        for name in studies.names:
            with studies.idle(name) as idle:
                if idle:
                    yield from _reconcile(stores, name, studies)


def _repair_addresses(stores: Stores) -> Iterator[Finding]:
    database, root = _file(stores.tracking_uri), stores.layout.artifact_root
    if database is None or is_missing(database):
        return
    changed = relocate(database, find_misplaced(database, root))
    if changed:
        detail = f"repaired: {changed} addresses of files now point below {root}"
        yield Finding(database.name, True, detail)


def _reconcile(stores: Stores, name: str, studies: _Studies) -> Iterator[Finding]:
    """End the stale trials of an idle study in both stores."""
    search, study = studies.searched.get(name), studies.recorded.get(name)
    closed = close_stale(search, studies.storage) if search and studies.storage else []
    endings = trial_endings(search) if search else {}
    reconciled = reconcile_study(stores.tracking_uri, study, endings) if study else []
    parents = len(study.open_parents) if study else 0
    if closed or reconciled or parents:
        detail = (
            f"repaired: ended {_listed('trials', closed)}, {_listed('runs of trials', reconciled)}"
        )
        yield Finding(f"study {name}", True, f"{detail}, and {parents} runs of the study itself")


def _problems(
    study: RecordedStudy, search: optuna.Study | None, places: ArtifactPlaces
) -> list[str]:
    """The problems of a study that is not running, each with what to do."""
    endings = trial_endings(search) if search else {}
    running = (TrialState.RUNNING,)
    stale = [trial.number for trial in search.get_trials(False, running)] if search else []
    numbers = {run.number for run in study.runs}
    problems = {
        f"stale; run {REPAIR}, or the study again": stale,
        f"whose run in MLflow has another state than Optuna; run {REPAIR}": [
            run.number for run, _ in disagreeing(study.runs, endings)
        ],
        "without a run in MLflow": [n for n, end in endings.items() if end and n not in numbers],
        "with a run and no trial in Optuna": sorted(numbers - set(endings)),
        "without files": [run.number for run in study.runs if _lacks_files(run, study, places)],
    }
    found = [f"{_listed('trials', which)} {what}" for what, which in problems.items() if which]
    left = [f"the study's run is still RUNNING; run {REPAIR}"] if study.open_parents else []
    return found + left


def _lacks_files(run: RecordedRun, study: RecordedStudy, places: ArtifactPlaces) -> bool:
    """Whether a complete trial of a database has no files where a report would read them."""
    local = run.artifact_uri.startswith("file:") and places.server is None
    if run.state != FinalState.COMPLETE or not local:
        return False
    folders = places.local_folders(study.name, run.run_id, run.artifact_uri)
    return not any(folder.exists() for folder in folders)


@contextmanager
def _reading(stores: Stores) -> Iterator[_Studies]:
    """The studies of both stores, open for reading; a missing database is not created."""
    recorded = recorded_studies(stores.tracking_uri) if _has_runs(stores) else []
    by_name = {study.name: study for study in recorded}
    if not _is_there(stores.storage_url, "--storage", "studies"):
        yield _Studies(None, {}, by_name)
        return
    storage = connect(stores.storage_url)
    try:
        names = optuna.get_all_study_names(storage)
        searched = {name: optuna.load_study(study_name=name, storage=storage) for name in names}
        yield _Studies(storage, searched, by_name)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _has_runs(stores: Stores) -> bool:
    uri = stores.tracking_uri
    return is_server_uri(uri) or _is_there(uri, "--tracking-uri", "experiments")


def _is_there(url: str, option: str, table: str) -> bool:
    """Whether the database at ``url`` has been created."""
    path = _file(url)
    return has_table(parse(url, option), table, option) if path is None else not is_missing(path)


def _file(url: str) -> Path | None:
    """The SQLite file that ``url`` names; None for a server."""
    return Path(url.removeprefix("sqlite:///")).absolute() if url.startswith("sqlite:") else None


def _listed(what: str, numbers: list[int]) -> str:
    """``what`` followed by at most ten of ``numbers``, such as "trials 3, 4"."""
    if not numbers:
        return f"no {what}"
    shown = ", ".join(map(str, numbers[:10]))
    return f"{what} {shown}{f' and {len(numbers) - 10} more' if len(numbers) > 10 else ''}"
