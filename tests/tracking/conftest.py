"""MLflow stores for the tests of this room, copied from one, since making one takes seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.tracking.stores.databases import prepare_database, tracking_schema
from harness.tracking.stores.layout import Layout


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    prepare_database(f"sqlite:///{path}", tracking_schema(path.parent), option="test")
    return path


@pytest.fixture
def layout(tmp_path: Path, empty_store: Path) -> Layout:
    """A root of the test's own, with an MLflow database in it."""
    made = Layout(tmp_path / "mlruns")
    made.root.mkdir()
    shutil.copy(empty_store, made.root / "mlflow.db")
    return made
