"""Empty stores, copied from one template of the session, since all migrations take seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.search.study.storage import open_storage
from harness.tracking.stores.databases import prepare_database, tracking_schema
from harness.tracking.stores.layout import Layout


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A layout with both databases, without studies; to be copied, not to be written."""
    layout = Layout(tmp_path_factory.mktemp("template"))
    prepare_database(layout.tracking_uri, tracking_schema(layout.artifact_root), option="test")
    storage = open_storage(layout.storage_url)
    storage.remove_session()
    storage.engine.dispose()
    return layout


@pytest.fixture
def layout(tmp_path: Path, empty_stores: Layout) -> Layout:
    """A layout of the test's own with both databases in it."""
    made = Layout(tmp_path / "mlruns")
    made.root.mkdir()
    for name in ("mlflow.db", "optuna.db"):
        shutil.copy(empty_stores.root / name, made.root / name)
    return made
