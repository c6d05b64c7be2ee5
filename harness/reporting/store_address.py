"""The address of a store: whether it can be one, and how it is shown."""

from __future__ import annotations

import re
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


def masked(tracking_uri: str) -> str:
    """The URI without its password."""
    try:
        return make_url(tracking_uri).render_as_string(hide_password=True)
    except ArgumentError:
        return re.sub(r"://[^/@]*@", "://***@", tracking_uri)
