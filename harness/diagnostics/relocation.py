"""Rewrites the absolute artifact addresses in MLflow's database after a move of ``mlruns/``.

MLflow stores them in five columns (tables experiments, runs, logged_models, model_versions).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

_BUSY_SECONDS = 20.0
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


@dataclass(frozen=True)
class Misplaced:
    """A study whose artifacts are at ``new``, while MLflow has ``old``; both are URIs.

    missing: number of runs that have files below ``old`` and none below ``new``.
    """

    study: str
    old: str
    new: str
    missing: int


def find_misplaced(database: Path, artifact_root: Path) -> list[Misplaced]:
    """The studies with a folder below ``artifact_root`` and another address in ``database``.

    A study without a folder below ``artifact_root`` is not reported: its files are where MLflow
    says, or missing. Nor is one whose name would lead out of ``artifact_root``. Reads only.
    """
    found = []
    with closing(_connect(database, "ro")) as connection:
        experiments = connection.execute(
            "SELECT experiment_id, name, artifact_location FROM experiments"
        ).fetchall()
        for key, name, old in experiments:
            new = artifact_root / str(name)
            inside = new.parent == artifact_root and new.name != ".."
            if inside and old and _is_local(old) and old != new.as_uri() and new.is_dir():
                query = "SELECT artifact_uri FROM runs WHERE experiment_id = ?"
                runs = connection.execute(query, (key,)).fetchall()
                missing = sum(_is_missing(uri, old, new.as_uri()) for (uri,) in runs)
                found.append(Misplaced(name, old, new.as_uri(), missing))
    return found


def relocate(database: Path, found: list[Misplaced]) -> int:
    """Write the new addresses of ``found`` in one transaction; the number of entries changed.

    Studies with missing files are skipped: some files exist only at the old address.
    """
    changed = 0
    with closing(_connect(database, "rw")) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        for study in found:
            if study.missing:
                continue
            for table, column in _COLUMNS:
                changed += _rewrite(connection, table, column, study)
    return changed


def _rewrite(connection: sqlite3.Connection, table: str, column: str, study: Misplaced) -> int:
    """Replace ``study.old`` where it is the whole entry or a parent folder of it."""
    rows = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
    moved = [
        (study.new + value[len(study.old) :], rowid)
        for rowid, value in rows
        if value and (value == study.old or value.startswith(study.old + "/"))
    ]
    connection.executemany(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", moved)
    return len(moved)


def _is_missing(uri: str | None, old: str, new: str) -> bool:
    if not uri or not uri.startswith(old):
        return False
    return _path(uri).exists() and not _path(new + uri[len(old) :]).exists()


def _is_local(uri: str) -> bool:
    return uri.startswith(("file:", "/"))


def _path(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path) if uri.startswith("file:") else uri)


def _connect(database: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{database.as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
