"""Whether the address of a store names one."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from harness.core.errors import InputError


def check_sqlite(tracking_uri: str) -> None:
    """Raise InputError if there is no SQLite database at the address: it would be made, empty."""
    try:
        path = Path(make_url(tracking_uri).database or "")
    except ArgumentError:
        raise InputError(f"tracking URI {tracking_uri!r} is not a database URL") from None
    if not path.is_file():
        raise InputError(
            f"{path}: no MLflow store there; run a study first (python -m harness.study)"
        )
    with path.open("rb") as file:
        if file.read(15) != b"SQLite format 3":
            raise InputError(f"{path}: not an SQLite database")
