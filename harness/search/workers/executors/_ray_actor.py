"""The actor on a node of a Ray cluster that starts a worker and keeps its events until received."""

from __future__ import annotations

import os
import platform
import queue
import sys
import threading
from contextlib import suppress
from dataclasses import replace

from harness.core.errors import HarnessError, within
from harness.search.display.events import Event
from harness.search.plan import Workforce
from harness.search.workers.executors import Inbox, Job, WorkerExit, WorkerHandle
from harness.search.workers.executors.local import local
from harness.search.workers.resources import gpu_allocations, threads

_POLL_SECONDS = 5.0


class WorkerActor:
    """One worker on this node, as a process of its own, which ends with this one.

    The actor connects a supervisor on another machine with a ``LocalWorker`` here, so that a worker
    has an interpreter, signals and an environment of its own on every node.
    """

    def __init__(self) -> None:
        """Wait for ``begin``."""
        self._inbox: Inbox = queue.SimpleQueue()
        self._kept: list[Event | WorkerExit] = []
        self._dropped = 0
        self._receiving = threading.Lock()
        self._worker: WorkerHandle | None = None

    def node(self) -> str:
        """The name of this machine."""
        return platform.node()

    def begin(self, job: Job, folder: str) -> None:
        """Start the worker, in ``folder`` if this machine has it: relative paths are of there."""
        with suppress(OSError):
            os.chdir(folder)
        # A new process would begin with this one's main module, which is a program of the cluster.
        vars(sys.modules["__main__"]).pop("__file__", None)
        try:
            self._worker = local.start(_with_resources(job), self._inbox)
        except HarnessError as error:
            self._inbox.put((job.number, WorkerExit(error=error)))

    def receive(self, received: int) -> list[Event | WorkerExit]:
        """What the worker sent after its first ``received`` items; waits some seconds for an item.

        Items are dropped only once a later call says that they were received, so that an answer
        that does not arrive loses none.
        """
        with self._receiving:
            del self._kept[: max(0, received - self._dropped)]
            self._dropped = max(received, self._dropped)
            with suppress(queue.Empty):
                if not self._kept:
                    self._kept.append(self._inbox.get(timeout=_POLL_SECONDS)[1])
                while True:
                    self._kept.append(self._inbox.get_nowait()[1])
            return list(self._kept)

    def stop(self) -> None:
        """Ask the worker to end as after Ctrl-C."""
        if self._worker is not None:
            self._worker.stop()


def _with_resources(job: Job) -> Job:
    """``job`` with its cores, and with its part of the memory of the GPU that Ray gave to it."""
    force = job.plan.workforce
    environment = threads(force.cpus_per_worker or 1)
    if force.workers_per_gpu is None:  # no GPU was asked for
        return replace(job, environment={**environment, "CUDA_VISIBLE_DEVICES": "-1"})
    with within(f"on node {platform.node()}"):
        ((gpu, memory),) = gpu_allocations(Workforce(workers_per_gpu=force.workers_per_gpu))
    environment["CUDA_VISIBLE_DEVICES"] = gpu
    return replace(job, environment=environment, gpu_memory_mb=memory)
