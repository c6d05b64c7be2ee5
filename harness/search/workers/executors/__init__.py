"""Executors: ways to start workers, one file each, read as a registry.

An entry is an ``Executor``. It starts a worker somewhere and forwards the worker's events; what the
worker does is ``harness.search.workers.worker.serve``, the same for all executors.
"""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from harness.core.errors import HarnessError
from harness.search.display.events import Event
from harness.search.plan import StudyPlan


@dataclass(frozen=True)
class Job:
    """The work of one worker, counted from 0: the plan, the ``total`` of trials, its resources.

    environment: variables that must be set before TensorFlow is imported. gpu_memory_mb: the part
    of a GPU's memory that the worker may use, None for as much as it needs.
    """

    plan: StudyPlan
    total: int
    number: int
    environment: Mapping[str, str] = field(default_factory=dict)
    gpu_memory_mb: int | None = None

    def after(self, seconds: float) -> Job:
        """The same work, with the time limit that is left after ``seconds``."""
        if self.plan.timeout is None:
            return self
        return replace(self, plan=replace(self.plan, timeout=max(0.0, self.plan.timeout - seconds)))


@dataclass(frozen=True)
class WorkerExit:
    """How a worker ended: with its work done, unless one of these says otherwise.

    interrupted: it was asked to stop. error: an error for the person. defect: a traceback. died:
    exit code or signal of a worker that sent no final message.
    """

    interrupted: bool = False
    error: HarnessError | None = None
    defect: str = ""
    died: str = ""


Inbox = queue.SimpleQueue[tuple[int, Event | WorkerExit]]
"""What workers send, each with the worker's number; the last item of a worker is a WorkerExit."""


class WorkerHandle(ABC):
    """A worker that was started, as its supervisor sees it."""

    @abstractmethod
    def stop(self) -> None:
        """Ask the worker to end as after Ctrl-C: its trial is closed as interrupted."""

    @abstractmethod
    def kill(self) -> None:
        """End the worker at once."""

    @abstractmethod
    def dismiss(self) -> None:
        """End a worker that still waits for resources: no trial is left for it."""


class Executor(ABC):
    """A way to start workers."""

    @contextmanager
    def session(self, plan: StudyPlan, total: int) -> Iterator[Sequence[Job]]:
        """The job of each worker; workers can be started, and have to end, inside the block.

        Raises InputError if the resources for them do not exist.
        """
        yield [Job(plan, total, number) for number in range(plan.workforce.workers)]

    @abstractmethod
    def start(self, job: Job, inbox: Inbox) -> WorkerHandle:
        """A worker that has begun with ``job`` and sends to ``inbox``."""
