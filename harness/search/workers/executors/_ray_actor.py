"""A worker's place on a node of a cluster: starts it there, keeps its news until it is heard."""

from __future__ import annotations

import os
import platform
import queue
import sys
import threading
from contextlib import suppress
from dataclasses import replace

from harness.core.errors import HarnessError, within
from harness.search.plan import Workforce
from harness.search.workers.executors import Inbox, Job, Told, Worker, WorkerExit
from harness.search.workers.executors.local import local
from harness.search.workers.resources import gpu_allocations, threads

_POLL_SECONDS = 5.0


class WorkerActor:
    """One worker on this node, as a process of its own, which ends with this one.

    It stands between a parent on another machine and a ``LocalWorker`` here: so a worker runs with
    an interpreter, signals and an environment of its own, wherever it was placed.
    """

    def __init__(self) -> None:
        """Wait for ``begin``."""
        self._inbox: Inbox = queue.SimpleQueue()
        self._kept: list[Told | WorkerExit] = []
        self._dropped = 0
        self._hearing = threading.Lock()
        self._worker: Worker | None = None

    def node(self) -> str:
        """The name of the machine that this is."""
        return platform.node()

    def begin(self, job: Job, folder: str) -> None:
        """Start the worker; relative paths mean what they mean in ``folder``, if that is here."""
        with suppress(OSError):
            os.chdir(folder)
        # A new process would begin with this one's main module, which is a program of the cluster.
        vars(sys.modules["__main__"]).pop("__file__", None)
        try:
            self._worker = local.start(_with_resources(job), self._inbox)
        except HarnessError as error:
            self._inbox.put((job.number, WorkerExit(error=error)))

    def hear(self, heard: int) -> list[Told | WorkerExit]:
        """What the worker told after its first ``heard`` news; waits for some seconds.

        Nothing is lost with an answer that does not arrive: it is asked for again.
        """
        with self._hearing:
            del self._kept[: max(0, heard - self._dropped)]
            self._dropped = max(heard, self._dropped)
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
    """``job`` with its cores, and with its part of the memory of the GPU that was given to it."""
    force = job.plan.workforce
    environment = threads(force.cpus_per_worker or 1)
    if force.workers_per_gpu is None:  # none was asked for, so none is taken
        return replace(job, environment={**environment, "CUDA_VISIBLE_DEVICES": "-1"})
    with within(f"on node {platform.node()}"):
        ((gpu, memory),) = gpu_allocations(Workforce(workers_per_gpu=force.workers_per_gpu))
    environment["CUDA_VISIBLE_DEVICES"] = gpu
    return replace(job, environment=environment, gpu_memory_mb=memory)
