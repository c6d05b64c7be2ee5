"""Recorded studies to be altered; pages without pictures, where the pictures are not the point."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from harness.reporting.pages import study as page_module
from harness.tracking.stores.layout import Layout
from tests.support import altered_store


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """The studies as they were recorded; to be copied, not to be written."""
    return altered_store.unpack(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def altered(recorded: Layout, tmp_path: Path) -> Layout:
    """A copy of the recorded studies for one test."""
    return Layout(shutil.copytree(recorded.root, tmp_path / "mlruns"))


@pytest.fixture(scope="session")
def scratch(recorded: Layout, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A copy of the recorded studies that many cases alter, each after ``restore``."""
    return Layout(shutil.copytree(recorded.root, tmp_path_factory.mktemp("altered") / "mlruns"))


def restore(scratch: Layout, recorded: Layout) -> None:
    """Undo what a case did to the database and to the JSON files."""
    for file in scratch.root.glob("mlflow.db*"):
        file.unlink()
    shutil.copy(recorded.root / "mlflow.db", scratch.root / "mlflow.db")
    for file in recorded.root.rglob("*.json"):
        shutil.copy(file, scratch.root / file.relative_to(recorded.root))


def draw_only(figure: Figure, file: io.BytesIO, **options: Any) -> None:
    """Stand for savefig: all was drawn on the axes; that it becomes a file is left out."""
    file.write(b"<svg/>")


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])
