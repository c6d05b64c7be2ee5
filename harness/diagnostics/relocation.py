"""After ``mlruns/`` was moved or copied: MLflow notes absolute addresses of artifacts, made right.

They stand in three columns of MLflow's tables (experiments, runs, logged_models).
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
)


@dataclass(frozen=True)
class Misplaced:
    """A study whose artifacts lie at ``new``, while the store says ``old``; both are URIs.

    missing: runs that have files at the old place and none at the new one.
    """

    study: str
    old: str
    new: str
    missing: int


def find_misplaced(database: Path, artifact_root: Path) -> list[Misplaced]:
    """The studies in ``database`` whose files lie below ``artifact_root``, noted as elsewhere.

    A study with no folder below ``artifact_root`` is not among them: its files are where the store
    says, or nowhere. Reads only.
    """
    found = []
    with closing(_connect(database, "ro")) as connection:
        experiments = connection.execute(
            "SELECT experiment_id, name, artifact_location FROM experiments"
        ).fetchall()
        for key, name, old in experiments:
            new = artifact_root / name
            if old and _is_local(old) and old != new.as_uri() and new.is_dir():
                query = "SELECT artifact_uri FROM runs WHERE experiment_id = ?"
                runs = connection.execute(query, (key,)).fetchall()
                missing = sum(_is_missing(uri, old, new.as_uri()) for (uri,) in runs)
                found.append(Misplaced(name, old, new.as_uri(), missing))
    return found


def relocate(database: Path, found: list[Misplaced]) -> int:
    """Note the new addresses of ``found`` in one transaction; the number of entries changed.

    Studies with missing files are left as they are: what is noted there is the better place.
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
    """Replace the old address where it is the whole entry or a folder above it."""
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
