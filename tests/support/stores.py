"""Empty stores, copied from one template of the test run, since all migrations take seconds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from harness.search.study.storage import open_storage
from harness.tracking.stores.databases import prepare_database, tracking_schema
from harness.tracking.stores.layout import Layout

DATABASES = ("mlflow.db", "optuna.db")


@pytest.fixture(scope="session")
def empty_stores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Layout:
    """A layout with both databases, without studies; to be copied, not to be written."""
    return Layout(made_once(request, tmp_path_factory, "template", make_stores))


def made_once(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    make: Callable[[Path], object],
) -> Path:
    """The folder ``name`` that the first to ask lets ``make`` fill, and the others find filled.

    The processes of pytest-xdist share one: the folder above theirs belongs to this run alone.
    """
    root = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        root = root.parent
    folder, whole = root / name, root / f"{name}.whole"
    with FileLock(root / f"{name}.lock"):
        if not whole.exists():
            make(folder)
            whole.touch()
    return folder


def make_stores(folder: Path) -> Layout:
    """The layout in ``folder`` with both databases, made by all their migrations."""
    layout = Layout(folder)
    prepare_database(layout.tracking_uri, tracking_schema(layout.artifact_root), option="test")
    storage = open_storage(layout.storage_url)
    storage.remove_session()
    storage.engine.dispose()
    return layout


def copy_stores(stores: Layout, folder: Path) -> Layout:
    """The layout in ``folder`` with copies of the databases of ``stores``; files stay behind."""
    made = Layout(folder)
    made.root.mkdir()
    for name in DATABASES:
        shutil.copy(stores.root / name, made.root / name)
    return made


@pytest.fixture
def layout(tmp_path: Path, empty_stores: Layout) -> Layout:
    """A layout of the test's own with both databases in it."""
    return copy_stores(empty_stores, tmp_path / "mlruns")


@pytest.fixture
def workspace(tmp_path: Path, layout: Layout) -> Path:
    """A folder for commands to run in, whose mlruns/ has both databases."""
    return tmp_path
