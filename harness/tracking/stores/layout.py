"""Where ``mlruns/`` keeps what: two databases, artifacts, checkpoints, a cache and a lock."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The places below one ``root`` folder. Nothing is created by asking for them.

    All of them are absolute: a relative SQLite address, inherited by a process that runs in another
    folder, would silently begin a second database there.
    """

    root: Path = Path("mlruns")

    def __post_init__(self) -> None:
        """Make the root absolute, once, against the folder of this moment."""
        object.__setattr__(self, "root", Path(self.root).expanduser().absolute())

    @property
    def tracking_uri(self) -> str:
        """The MLflow store, ``sqlite:////.../mlflow.db``."""
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def storage_url(self) -> str:
        """The Optuna storage, ``sqlite:////.../optuna.db``."""
        return f"sqlite:///{self.root / 'optuna.db'}"

    @property
    def artifact_root(self) -> Path:
        """The folder with one folder of artifacts per study."""
        return self.root / "artifacts"

    @property
    def checkpoint_dir(self) -> Path:
        """The folder with one folder of checkpoints per study, for trials that were cut off."""
        return self.root / "checkpoints"

    @property
    def cache_dir(self) -> Path:
        """The folder for what can be computed again; safe to delete."""
        return self.root / "cache"

    @property
    def tables_lock(self) -> Path:
        """The lock file that is held while a database is made or a study is registered."""
        return self.root / ".lock"

    def study_lock(self, study_name: str) -> Path:
        """The lock file that is held while the study runs on this machine."""
        return self.root / "locks" / f"{study_name}.lock"


@dataclass(frozen=True)
class Stores:
    """The two stores, and the ``layout`` for everything else.

    The addresses may hold passwords: they are not in its text.
    """

    layout: Layout
    storage_url: str = field(repr=False)
    tracking_uri: str = field(repr=False)

    @classmethod
    def of(
        cls, layout: Layout, storage_url: str | None = None, tracking_uri: str | None = None
    ) -> Stores:
        """The stores that are named; those of ``layout`` where none is."""
        return cls(layout, storage_url or layout.storage_url, tracking_uri or layout.tracking_uri)


def default_layout() -> Layout:
    """The layout below HARNESS_MLRUNS, if that is set, else below ``mlruns/`` in this folder."""
    return Layout(Path(os.environ.get("HARNESS_MLRUNS") or "mlruns"))
