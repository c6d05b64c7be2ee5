"""Both stores of ``mlruns/`` side by side: what a crash or a move left behind, and mending it.

Nothing that a running process may still be using is touched: a study is mended under its lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import optuna
from filelock import FileLock, Timeout
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from harness.core.installation import Finding
from harness.core.schema import RUN_STATUS
from harness.core.schema import TrialState as Final
from harness.search.liveness import close_dead, is_worked_at
from harness.search.storage import trial_ends
from harness.tracking.layout import Layout
from harness.tracking.reaper import (
    RecordedRun,
    RecordedStudy,
    recorded_studies,
    settle_study,
    unsettled,
)
from harness.tracking.relocate import find_misplaced, relocate
from harness.tracking.sqlite_file import enable_wal, is_missing, journal_mode

REPAIR = "python -m harness.doctor --repair"


def examine_studies(layout: Layout) -> Iterator[Finding]:
    """How each study stands in both stores: agreeing, or what was left over or is missing.

    Raises what Optuna and MLflow raise for databases of another version, with what to do.
    """
    searched, recorded = _searched(layout), _recorded(layout)
    for name in sorted({*searched, *recorded}):
        with _lock(layout, name) as free:
            if not free or _is_worked_at(layout, searched.get(name)):
                yield Finding(f"study {name}", True, "is running now")
                continue
            study = recorded.get(name, RecordedStudy(name, (), ()))
            problems = _problems(study, searched.get(name), layout)
        sound = f"{len(study.runs)} trials, the same in both stores"
        yield Finding(f"study {name}", None if problems else True, "; ".join(problems) or sound)


def examine_addresses(layout: Layout) -> Iterator[Finding]:
    """The studies whose files MLflow looks for elsewhere, as after a move of the folder."""
    if is_missing(layout.root / "mlflow.db"):
        return
    for place in find_misplaced(layout.root / "mlflow.db", layout.artifact_root):
        detail = f"MLflow looks for them at {place.old}, they are at {place.new}; {REPAIR}"
        if place.missing:
            detail = f"{place.missing} runs have files at {place.old} and none at {place.new}"
        yield Finding(f"files of {place.study}", None, detail)


def repair_stores(layout: Layout) -> Iterator[Finding]:
    """What was mended: journal modes, addresses of artifacts, trials and runs left running."""
    for name in ("mlflow.db", "optuna.db"):
        path = layout.root / name
        if not is_missing(path) and journal_mode(path) != "wal":
            enable_wal(path)
            yield Finding(name, True, "repaired: set to write-ahead logging")
    yield from _repair_addresses(layout)
    searched, recorded = _searched(layout), _recorded(layout)
    for name in sorted({*searched, *recorded}):
        with _lock(layout, name) as free:
            if free and not _is_worked_at(layout, searched.get(name)):
                yield from _settle(layout, name, searched.get(name), recorded.get(name))


def _repair_addresses(layout: Layout) -> Iterator[Finding]:
    database = layout.root / "mlflow.db"
    if is_missing(database):
        return
    changed = relocate(database, find_misplaced(database, layout.artifact_root))
    if changed:
        detail = f"repaired: {changed} addresses of files now lie below {layout.artifact_root}"
        yield Finding("mlflow.db", True, detail)


def _settle(
    layout: Layout, name: str, search: optuna.Study | None, study: RecordedStudy | None
) -> Iterator[Finding]:
    """End what nobody works on, in both stores."""
    closed = close_dead(search, _storage(layout)) if search else []
    ends = trial_ends(search) if search else {}
    settled = settle_study(layout.tracking_uri, study, ends) if study else []
    parents = len(study.open_parents) if study else 0
    if closed or settled or parents:
        detail = (
            f"repaired: ended {_listed('trials', closed)}, {_listed('runs of trials', settled)}"
        )
        yield Finding(f"study {name}", True, f"{detail}, and {parents} of its own runs")


def _problems(study: RecordedStudy, search: optuna.Study | None, layout: Layout) -> list[str]:
    """What is wrong with a study that does not run, in words with what to do."""
    ends = trial_ends(search) if search else {}
    running = (TrialState.RUNNING,)
    cut_off = [trial.number for trial in search.get_trials(False, running)] if search else []
    numbers = {run.number for run in study.runs}
    findings = {
        f"cut off, to be ended by {REPAIR} or by running the study again": cut_off,
        f"with a run that does not say how they ended: {REPAIR}": [
            run.number for run, _ in unsettled(study.runs, ends)
        ],
        "without a run in mlflow.db": [n for n, end in ends.items() if end and n not in numbers],
        "with a run and no trial in optuna.db": sorted(numbers - set(ends)),
        "without their files": [run.number for run in study.runs if _is_bare(run, study, layout)],
    }
    found = [f"{_listed('trials', which)} {what}" for what, which in findings.items() if which]
    return found + ([f"left RUNNING as a whole: {REPAIR}"] if study.open_parents else [])


def _is_bare(run: RecordedRun, study: RecordedStudy, layout: Layout) -> bool:
    """Whether a complete trial has its files neither where MLflow says nor below the root."""
    if run.status != RUN_STATUS[Final.COMPLETE] or not run.artifact_uri.startswith("file:"):
        return False
    noted = Path(url2pathname(urlsplit(run.artifact_uri).path))
    return not (noted.exists() or (layout.artifact_root / study.name / run.run_id).exists())


def _searched(layout: Layout) -> dict[str, optuna.Study]:
    if is_missing(layout.root / "optuna.db"):
        return {}
    storage = _storage(layout)
    names = optuna.get_all_study_names(storage)
    return {name: optuna.load_study(study_name=name, storage=storage) for name in names}


def _storage(layout: Layout) -> RDBStorage:
    return RDBStorage(layout.storage_url)


def _recorded(layout: Layout) -> dict[str, RecordedStudy]:
    if is_missing(layout.root / "mlflow.db"):
        return {}
    return {study.name: study for study in recorded_studies(layout.tracking_uri)}


def _is_worked_at(layout: Layout, search: optuna.Study | None) -> bool:
    return search is not None and is_worked_at(search, _storage(layout))


@contextmanager
def _lock(layout: Layout, name: str) -> Iterator[bool]:
    """Hold the study's turn; False if another process has it, which then is running it."""
    path = layout.study_lock(name)
    if not path.exists():  # no study was run from here: there is nobody to keep out
        yield True
        return
    try:
        lock = FileLock(path, timeout=0).acquire()
    except Timeout:
        yield False
        return
    with lock:
        yield True


def _listed(what: str, numbers: list[int]) -> str:
    """``what`` with its numbers, at most ten of them."""
    if not numbers:
        return f"no {what}"
    shown = ", ".join(map(str, numbers[:10]))
    return f"{what} {shown}{f' and {len(numbers) - 10} more' if len(numbers) > 10 else ''}"
