"""Where mlruns/ is and what lies in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.tracking.stores.layout import Layout, default_layout


def test_everything_is_absolute_and_below_the_root(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    layout = Layout(Path("runs"))
    monkeypatch.chdir("/")  # a later change of folder must not move the stores
    assert layout.tracking_uri == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert layout.storage_url == f"sqlite:///{tmp_path}/runs/optuna.db"
    assert layout.artifact_root == tmp_path / "runs/artifacts"
    assert layout.checkpoint_dir == tmp_path / "runs/checkpoints"
    assert layout.cache_dir == tmp_path / "runs/cache"
    assert not layout.root.exists()


@pytest.mark.parametrize(("value", "root"), [(None, "mlruns"), ("", "mlruns"), ("else/where",) * 2])
def test_the_environment_can_move_it(
    tmp_path: Path, monkeypatch, value: str | None, root: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARNESS_MLRUNS", raising=False)
    if value is not None:
        monkeypatch.setenv("HARNESS_MLRUNS", value)
    assert default_layout().root == tmp_path / root
