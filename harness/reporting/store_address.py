"""Where the files of a store lie."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

from harness.tracking.layout import Layout


def study_folder(tracking_uri: str, study_name: str) -> Path | None:
    """Where a study's artifacts lie beside its SQLite database; None for another store."""
    if not tracking_uri.startswith("sqlite"):
        return None
    database = Path(make_url(tracking_uri).database or "")
    return Layout(database.parent).artifact_root / study_name
