"""Executors: ways to start workers, one file each, read as a registry.

An entry is an ``Executor``. It starts a worker somewhere and passes on what the worker tells; what
the worker does is ``serve``, the same for all.
"""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from harness.core.config import TrialConfig
from harness.core.errors import HarnessError
from harness.search.display.events import SearchObserver, TrialEnd
from harness.search.plan import StudyPlan


@dataclass(frozen=True)
class Job:
    """The work of one worker, counted from 0: the plan, the ``total`` of trials, its share.

    environment: variables that must stand before TensorFlow is imported. gpu_memory_mb: the part of
    its GPU's memory, None for as much as it needs.
    """

    plan: StudyPlan
    total: int
    number: int
    environment: Mapping[str, str] = field(default_factory=dict)
    gpu_memory_mb: int | None = None

    def after(self, seconds: float) -> Job:
        """The same work, with the time that is left when ``seconds`` have gone by."""
        if self.plan.timeout is None:
            return self
        return replace(self, plan=replace(self.plan, timeout=max(0.0, self.plan.timeout - seconds)))


@dataclass(frozen=True)
class Told:
    """A worker's call of the observer's method ``name``."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class WorkerExit:
    """How a worker ended: with its work done, unless one of these says otherwise.

    interrupted: it was told to stop. error: what the person should read. defect: a traceback.
    died: it ended without a word, and how, as far as is known.
    """

    interrupted: bool = False
    error: HarnessError | None = None
    defect: str = ""
    died: str = ""


Inbox = queue.SimpleQueue[tuple[int, Told | WorkerExit]]
"""Where workers tell, each with its number; the last thing that one tells is an ``WorkerExit``."""


class Worker(ABC):
    """A worker that was started."""

    @abstractmethod
    def stop(self) -> None:
        """Ask it to end as after Ctrl-C: its trial is closed as interrupted."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once."""

    @abstractmethod
    def dismiss(self) -> None:
        """End it if it still waits for a place to begin at: no work is left for it."""


class Executor(ABC):
    """A way to start workers."""

    @contextmanager
    def session(self, plan: StudyPlan, total: int) -> Iterator[Sequence[Job]]:
        """The work of each worker; they can be started, and have to end, inside.

        Raises InputError if there is no place for them.
        """
        yield [Job(plan, total, number) for number in range(plan.workforce.workers)]

    @abstractmethod
    def start(self, job: Job, inbox: Inbox) -> Worker:
        """A worker that has begun with ``job`` and tells ``inbox``."""


class Forwarder(SearchObserver):
    """Passes on what a worker's search tells, as ``Told``."""

    def __init__(self, send: Callable[[Told], None]) -> None:
        """Give everything to ``send``."""
        self._send = send

    def message(self, text: str) -> None:
        """Pass it on."""
        self._send(Told("message", (text,)))

    def standing(self, done: int, total: int) -> None:
        """Pass it on."""
        self._send(Told("standing", (done, total)))

    def trial_started(self, number: int, config: TrialConfig) -> None:
        """Pass it on."""
        self._send(Told("trial_started", (number, config)))

    def training(self, images_seen: int, images_per_second: float) -> None:
        """Pass it on."""
        self._send(Told("training", (images_seen, images_per_second)))

    def scored(self, images_seen: int, scores: Mapping[str, float]) -> None:
        """Pass it on."""
        self._send(Told("scored", (images_seen, dict(scores))))

    def trial_ended(self, end: TrialEnd) -> None:
        """Pass it on."""
        self._send(Told("trial_ended", (end,)))
