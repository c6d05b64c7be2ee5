"""Workers on the nodes of a Ray cluster, which end with the process that started them.

Ray decides where a worker runs and reports when a node is lost. Which trial runs where is kept in
the study's storage alone, as for every executor.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.core.errors import HarnessError, InputError
from harness.core.secrets import hide_passwords
from harness.search.display.events import Event, Message
from harness.search.plan import StudyPlan
from harness.search.workers.executors import Executor, Inbox, Job, WorkerExit, WorkerHandle

os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")  # each takes 40 s where no Ray answers
try:
    from harness.search.workers.executors import _ray_cluster as cluster
except ModuleNotFoundError as error:
    if error.name != "ray":
        raise
    raise InputError(
        "--executor ray: Ray is not installed; it comes with the extra: pip install '.[ray]'"
    ) from None

WAIT_SECONDS = 10.0
"""How long a worker may wait for resources before a message says so."""


class RayWorker(WorkerHandle):
    """An actor on some node of the cluster, and the worker that it runs once Ray has placed it."""

    def __init__(self, job: Job, inbox: Inbox) -> None:
        """Ask Ray for the actor."""
        self._job = job
        self._inbox = inbox
        self._asked = time.monotonic()
        self._node = "its node"
        self._begun = False
        self._dismissed_as: WorkerExit | None = None
        self._actor = cluster.start_actor(job.plan.workforce)
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """Ask the worker to end as after Ctrl-C."""
        if self._begun:
            self._actor.stop.remote()
        else:
            self._dismiss_as(WorkerExit(interrupted=True))

    def dismiss(self) -> None:
        """End the worker if Ray has not placed it yet."""
        if not self._begun:
            self._dismiss_as(WorkerExit())

    def kill(self) -> None:
        """End the worker at once."""
        cluster.kill_actor(self._actor)

    def _dismiss_as(self, ended: WorkerExit) -> None:
        self._dismissed_as = ended
        cluster.kill_actor(self._actor)

    def _follow(self) -> None:
        """Forward the worker's events until it ends, then send how it ended."""
        try:
            self._wait_for_node()
            ended = self._forward()
        except cluster.ACTOR_LOST as error:
            ended = self._dismissed_as or self._loss(error)
        except Exception:
            ended = WorkerExit(defect=hide_passwords(traceback.format_exc()))
        cluster.kill_actor(self._actor)
        self._send(ended)

    def _wait_for_node(self) -> None:
        """Wait until Ray has placed the actor, then begin the job there."""
        node = self._actor.node.remote()
        if not cluster.is_answered(node, WAIT_SECONDS):
            needed = cluster.describe_need(self._job.plan.workforce)
            self._send(Message(f"worker {self._job.number} waits for {needed}"))
        self._node = cluster.answer(node)
        job = self._job.after(time.monotonic() - self._asked)
        cluster.answer(self._actor.begin.remote(job, os.getcwd()))
        self._begun = True

    def _forward(self) -> WorkerExit:
        """Forward the worker's events; how the worker ended."""
        received = 0
        while True:
            try:
                items: Sequence[Event | WorkerExit] = cluster.answer(
                    self._actor.receive.remote(received)
                )
            except cluster.UNAVAILABLE:
                time.sleep(1.0)
                continue
            received += len(items)
            for item in items:
                if isinstance(item, WorkerExit):
                    return item
                self._send(item)

    def _loss(self, error: Exception) -> WorkerExit:
        """How a worker ended that sent no final message."""
        reason = cluster.describe(error)
        if cluster.failed_to_start(error):
            needs = "each node needs this project and its extras, of the same version (docs/ray.md)"
            return WorkerExit(
                error=HarnessError(f"a node of the cluster can run no worker: {reason}; {needs}")
            )
        return WorkerExit(died=f"on {self._node}: {reason}")

    def _send(self, item: Event | WorkerExit) -> None:
        self._inbox.put((self._job.number, item))


class _Ray(Executor):
    """Starts workers on the nodes of a Ray cluster."""

    @contextmanager
    def session(self, plan: StudyPlan, total: int) -> Iterator[Sequence[Job]]:
        """The job of each worker, while this process is connected with the cluster."""
        cluster.check_command_line(plan, sys.orig_argv)
        with cluster.connected(plan.workforce.ray_address):
            cluster.check_plan(plan)
            with super().session(plan, total) as jobs:
                yield jobs

    def start(self, job: Job, inbox: Inbox) -> RayWorker:
        """A worker that begins with ``job`` as soon as the cluster has room for it."""
        return RayWorker(job, inbox)


ray = _Ray()
