"""The address of a store: whether it can be one, where its files lie."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from harness.core.errors import InputError
from harness.tracking.layout import Layout
from harness.tracking.sqlite_file import is_missing, journal_mode


def study_folder(tracking_uri: str, study_name: str) -> Path | None:
    """Where a study's artifacts lie beside its SQLite database; None for another store."""
    if not tracking_uri.startswith("sqlite"):
        return None
    database = Path(make_url(tracking_uri).database or "")
    return Layout(database.parent).artifact_root / study_name


def check_sqlite(tracking_uri: str) -> None:
    """Pass if the URI names an SQLite file that is there; InputError otherwise."""
    try:
        path = Path(make_url(tracking_uri).database or "")
    except ArgumentError:
        raise InputError(f"tracking URI {tracking_uri!r} is not a database URL") from None
    if not path.is_file() or is_missing(path):
        raise InputError(
            f"{path}: no MLflow store there; run a study first (python -m harness.study)"
        )
    try:
        journal_mode(path)
    except sqlite3.DatabaseError:
        raise InputError(f"{path}: not an SQLite database") from None
