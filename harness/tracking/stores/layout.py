"""The paths in ``mlruns/``: two databases, artifacts, checkpoints, a cache and locks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths below one ``root`` folder; reading them creates nothing.

    All are absolute: a process in another folder that inherits a relative SQLite address would
    silently create a second database there.
    """

    root: Path = Path("mlruns")

    def __post_init__(self) -> None:
        """Make the root absolute, relative to the current folder at construction."""
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
        """The folder with one folder of checkpoints per study, for interrupted trials."""
        return self.root / "checkpoints"

    @property
    def cache_dir(self) -> Path:
        """The folder for results that can be computed again; safe to delete."""
        return self.root / "cache"

    @property
    def tables_lock(self) -> Path:
        """The lock file that is held while a database is made or a study is registered."""
        return self.root / ".lock"

    def study_lock(self, study_name: str) -> Path:
        """The study's lock file, used where the storage is a SQLite file."""
        return self.root / "locks" / f"{study_name}.lock"


@dataclass(frozen=True)
class Stores:
    """The addresses of the two stores, and the ``layout`` for everything else.

    ``repr`` omits the addresses, which may hold passwords.
    """

    layout: Layout
    storage_url: str = field(repr=False)
    tracking_uri: str = field(repr=False)

    @classmethod
    def of(
        cls, layout: Layout, storage_url: str | None = None, tracking_uri: str | None = None
    ) -> Stores:
        """The given addresses; those of ``layout`` where an address is None or empty."""
        return cls(layout, storage_url or layout.storage_url, tracking_uri or layout.tracking_uri)


def default_layout() -> Layout:
    """The layout below HARNESS_MLRUNS if set, else below ``mlruns/`` in the current folder."""
    return Layout(Path(os.environ.get("HARNESS_MLRUNS") or "mlruns"))
