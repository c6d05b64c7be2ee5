"""What to run, where to keep it, and by how many workers: what every process of a study knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.core.errors import InputError
from harness.core.registry import EXECUTORS
from harness.core.spec.study_spec import StudySpec
from harness.tracking.stores.layout import Layout


@dataclass(frozen=True)
class Workforce:
    """Who runs the trials: how many ``workers``, and the ``executor`` that starts them.

    workers_per_gpu: how many share one GPU, each with its part of the memory; None assigns no
    GPU, so that every worker sees all of them. ray_address and cpus_per_worker: where the
    executor ``ray`` finds its cluster, and what it asks there for each worker (1 core if None).
    Raises InputError if they do not go together.
    """

    workers: int = 1
    executor: str = "local"
    workers_per_gpu: int | None = None
    ray_address: str | None = None
    cpus_per_worker: int | None = None

    def __post_init__(self) -> None:
        """Refuse options that the executor does not have."""
        if EXECUTORS.check(self.executor) == "ray":
            return
        for option in ("ray_address", "cpus_per_worker"):
            if getattr(self, option) is not None:
                name = option.replace("_", "-")
                raise InputError(f"--{name} is for --executor ray, not {self.executor}")

    @property
    def in_process(self) -> bool:
        """Whether this process runs the trials itself."""
        return self.workers == 1 and self.executor == "local" and self.workers_per_gpu is None


@dataclass(frozen=True)
class StudyPlan:
    """What to run and where to keep it. ``timeout`` is in seconds, None for no limit.

    ``reuse``: whether a trial that another study of the store has trained is taken from there, or
    from one of the ``run_tables``, files that need not exist.
    ``system_metrics``: whether the runs of trials record what the machine does.
    The addresses may hold passwords: they are not in its text.
    """

    spec: StudySpec
    layout: Layout
    storage_url: str = field(repr=False)
    tracking_uri: str = field(repr=False)
    data_dir: Path | None = None
    timeout: float | None = None
    workforce: Workforce = Workforce()
    reuse: bool = True
    run_tables: tuple[Path, ...] = ()
    system_metrics: bool = False
