"""Both stores side by side: what a crash or a move left behind, and mending it.

Nothing that a running process may still be using is touched: a study is mended under its lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from harness.core.schema import RUN_STATUS, FinalState
from harness.diagnostics.installation import Finding
from harness.diagnostics.relocation import find_misplaced, relocate
from harness.search.study.lock import turn_if_free
from harness.search.study.open_study import connect
from harness.search.study.trials import trial_endings
from harness.search.workers.heartbeat import close_stale, has_live_worker
from harness.tracking.reconcile import (
    RecordedRun,
    RecordedStudy,
    disagreeing,
    reconcile_study,
    recorded_studies,
)
from harness.tracking.stores.databases import has_table
from harness.tracking.stores.layout import Layout, Stores
from harness.tracking.stores.mlflow_server import is_server_uri
from harness.tracking.stores.sqlite import enable_wal, is_missing, journal_mode
from harness.tracking.stores.urls import parse

REPAIR = "python -m harness.doctor --repair"


@dataclass(frozen=True)
class _Found:
    """What both stores hold, by the name of the study; ``storage`` is None if there is none yet."""

    storage: RDBStorage | None
    searched: dict[str, optuna.Study]
    recorded: dict[str, RecordedStudy]

    @property
    def names(self) -> list[str]:
        return sorted({*self.searched, *self.recorded})

    @contextmanager
    def at_rest(self, name: str) -> Iterator[bool]:
        """Hold the study's turn; False if it is running."""
        search = self.searched.get(name)
        if search is None or self.storage is None:
            yield True
            return
        with turn_if_free(self.storage, name) as free:
            yield free and not has_live_worker(search, self.storage)


def examine_studies(stores: Stores) -> Iterator[Finding]:
    """How each study stands in both stores: agreeing, or what was left over or is missing.

    Raises InputError, with what to do, for a damaged database of Optuna or one of another version,
    and what MLflow raises for its own.
    """
    with _reading(stores) as found:
        for name in found.names:
            with found.at_rest(name) as resting:
                if not resting:
                    yield Finding(f"study {name}", True, "is running now")
                    continue
                study = found.recorded.get(name, RecordedStudy(name, (), ()))
                problems = _problems(study, found.searched.get(name), stores.layout)
            sound = f"{len(study.runs)} trials, the same in both stores"
            yield Finding(f"study {name}", None if problems else True, "; ".join(problems) or sound)


def examine_addresses(stores: Stores) -> Iterator[Finding]:
    """The studies whose files MLflow looks for elsewhere, as after a move of the folder."""
    database = _file(stores.tracking_uri)
    if database is None or is_missing(database):
        return
    for place in find_misplaced(database, stores.layout.artifact_root):
        detail = f"MLflow looks for them at {place.old}, they are at {place.new}; {REPAIR}"
        if place.missing:
            detail = f"{place.missing} runs have files at {place.old} and none at {place.new}"
        yield Finding(f"files of {place.study}", None, detail)


def repair_stores(stores: Stores) -> Iterator[Finding]:
    """What was mended: journal modes, addresses of artifacts, trials and runs left running."""
    for path in map(_file, (stores.tracking_uri, stores.storage_url)):
        if path is not None and not is_missing(path) and journal_mode(path) != "wal":
            enable_wal(path)
            yield Finding(path.name, True, "repaired: set to write-ahead logging")
    yield from _repair_addresses(stores)
    with _reading(stores) as found:
        for name in found.names:
            with found.at_rest(name) as resting:
                if resting:
                    yield from _reconcile(stores, name, found)


def _repair_addresses(stores: Stores) -> Iterator[Finding]:
    database, root = _file(stores.tracking_uri), stores.layout.artifact_root
    if database is None or is_missing(database):
        return
    changed = relocate(database, find_misplaced(database, root))
    if changed:
        detail = f"repaired: {changed} addresses of files now lie below {root}"
        yield Finding(database.name, True, detail)


def _reconcile(stores: Stores, name: str, found: _Found) -> Iterator[Finding]:
    """End what nobody works on, in both stores."""
    search, study = found.searched.get(name), found.recorded.get(name)
    closed = close_stale(search, found.storage) if search and found.storage else []
    ends = trial_endings(search) if search else {}
    reconciled = reconcile_study(stores.tracking_uri, study, ends) if study else []
    parents = len(study.open_parents) if study else 0
    if closed or reconciled or parents:
        detail = (
            f"repaired: ended {_listed('trials', closed)}, {_listed('runs of trials', reconciled)}"
        )
        yield Finding(f"study {name}", True, f"{detail}, and {parents} of its own runs")


def _problems(study: RecordedStudy, search: optuna.Study | None, layout: Layout) -> list[str]:
    """What is wrong with a study that does not run, in words with what to do."""
    ends = trial_endings(search) if search else {}
    running = (TrialState.RUNNING,)
    cut_off = [trial.number for trial in search.get_trials(False, running)] if search else []
    numbers = {run.number for run in study.runs}
    findings = {
        f"cut off, to be ended by {REPAIR} or by running the study again": cut_off,
        f"with a run that does not say how they ended: {REPAIR}": [
            run.number for run, _ in disagreeing(study.runs, ends)
        ],
        "without a run in MLflow": [n for n, end in ends.items() if end and n not in numbers],
        "with a run and no trial in Optuna": sorted(numbers - set(ends)),
        "without their files": [run.number for run in study.runs if _is_bare(run, study, layout)],
    }
    found = [f"{_listed('trials', which)} {what}" for what, which in findings.items() if which]
    return found + ([f"left RUNNING as a whole: {REPAIR}"] if study.open_parents else [])


def _is_bare(run: RecordedRun, study: RecordedStudy, layout: Layout) -> bool:
    """Whether a complete trial has its files neither where MLflow says nor below the root."""
    if run.status != RUN_STATUS[FinalState.COMPLETE] or not run.artifact_uri.startswith("file:"):
        return False
    noted = Path(url2pathname(urlsplit(run.artifact_uri).path))
    return not (noted.exists() or (layout.artifact_root / study.name / run.run_id).exists())


@contextmanager
def _reading(stores: Stores) -> Iterator[_Found]:
    """Both stores, read; what is not there yet is not made."""
    recorded = recorded_studies(stores.tracking_uri) if _has_runs(stores) else []
    by_name = {study.name: study for study in recorded}
    if not _is_there(stores.storage_url, "--storage", "studies"):
        yield _Found(None, {}, by_name)
        return
    storage = connect(stores.storage_url)
    try:
        names = optuna.get_all_study_names(storage)
        searched = {name: optuna.load_study(study_name=name, storage=storage) for name in names}
        yield _Found(storage, searched, by_name)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _has_runs(stores: Stores) -> bool:
    uri = stores.tracking_uri
    return is_server_uri(uri) or _is_there(uri, "--tracking-uri", "experiments")


def _is_there(url: str, option: str, table: str) -> bool:
    """Whether the database at ``url`` has been made."""
    path = _file(url)
    return has_table(parse(url, option), table, option) if path is None else not is_missing(path)


def _file(url: str) -> Path | None:
    """The SQLite file that ``url`` names; None for a server."""
    return Path(url.removeprefix("sqlite:///")).absolute() if url.startswith("sqlite:") else None


def _listed(what: str, numbers: list[int]) -> str:
    """``what`` with its numbers, at most ten of them."""
    if not numbers:
        return f"no {what}"
    shown = ", ".join(map(str, numbers[:10]))
    return f"{what} {shown}{f' and {len(numbers) - 10} more' if len(numbers) > 10 else ''}"
