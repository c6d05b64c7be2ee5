"""What to run, where to keep it, and by how many workers: what every process of a study knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.core.study_file import StudySpec
from harness.tracking.layout import Layout


@dataclass(frozen=True)
class Workforce:
    """Who runs the trials: how many ``workers``, and the ``executor`` that starts them.

    workers_per_gpu: how many share one GPU, each with its part of the memory; None leaves the GPUs
    alone, so that every worker sees all of them.
    """

    workers: int = 1
    executor: str = "local"
    workers_per_gpu: int | None = None

    @property
    def in_process(self) -> bool:
        """Whether this process runs the trials itself."""
        return self.workers == 1 and self.executor == "local" and self.workers_per_gpu is None


@dataclass(frozen=True)
class StudyPlan:
    """What to run and where to keep it. ``timeout`` is in seconds, None for no limit.

    The addresses may hold passwords: they are not in its text.
    """

    spec: StudySpec
    layout: Layout
    storage_url: str = field(repr=False)
    tracking_uri: str = field(repr=False)
    data_dir: Path | None = None
    timeout: float | None = None
    workforce: Workforce = Workforce()
