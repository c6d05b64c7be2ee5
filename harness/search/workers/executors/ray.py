"""Workers placed by Ray on the nodes of a cluster, which end with the process that started them.

Ray decides where a worker runs and says when its node is gone; which trial it runs stands in the
study's storage alone, as everywhere.
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
from harness.search.plan import StudyPlan
from harness.search.workers.executors import Executor, Inbox, Job, Told, Worker, WorkerExit

os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")  # of 40 s each, where no Ray answers
try:
    from harness.search.workers.executors import _ray_cluster as cluster
except ModuleNotFoundError as error:
    if error.name != "ray":
        raise
    raise InputError(
        "--executor ray: Ray is not installed; it comes with the extra: pip install '.[ray]'"
    ) from None

WAIT_SECONDS = 10.0
"""How long a worker may wait for its place before the person is told."""


class RayWorker(Worker):
    """A place on some node of the cluster, and the worker that runs there once there is room."""

    def __init__(self, job: Job, inbox: Inbox) -> None:
        """Ask for the place."""
        self._job = job
        self._inbox = inbox
        self._asked = time.monotonic()
        self._node = "its node"
        self._begun = False
        self._sent_away: WorkerExit | None = None
        self._place = cluster.start_actor(job.plan.workforce)
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """Ask it to end as after Ctrl-C."""
        if self._begun:
            self._place.stop.remote()
        else:
            self._send_away(WorkerExit(interrupted=True))

    def dismiss(self) -> None:
        """End it if it still waits for its place."""
        if not self._begun:
            self._send_away(WorkerExit())

    def kill(self) -> None:
        """End it at once."""
        cluster.kill_actor(self._place)

    def _send_away(self, ended: WorkerExit) -> None:
        self._sent_away = ended
        cluster.kill_actor(self._place)

    def _follow(self) -> None:
        """Pass on what the worker tells until it ends, then say how it ended."""
        try:
            self._settle()
            ended = self._listen()
        except cluster.ACTOR_LOST as error:
            ended = self._sent_away or self._loss(error)
        except Exception:
            ended = WorkerExit(defect=traceback.format_exc())
        cluster.kill_actor(self._place)
        self._tell(ended)

    def _settle(self) -> None:
        """Wait for the place and begin there."""
        node = self._place.node.remote()
        if not cluster.is_answered(node, WAIT_SECONDS):
            waits = f"worker {self._job.number} waits for {cluster.room(self._job.plan.workforce)}"
            self._tell(Told("message", (waits,)))
        self._node = cluster.answer(node)
        job = self._job.after(time.monotonic() - self._asked)
        cluster.answer(self._place.begin.remote(job, os.getcwd()))
        self._begun = True

    def _listen(self) -> WorkerExit:
        """Pass on what it tells; the last of it."""
        heard = 0
        while True:
            try:
                told: Sequence[Told | WorkerExit] = cluster.answer(self._place.hear.remote(heard))
            except cluster.UNAVAILABLE:
                time.sleep(1.0)
                continue
            heard += len(told)
            for news in told:
                if isinstance(news, WorkerExit):
                    return news
                self._tell(news)

    def _loss(self, error: Exception) -> WorkerExit:
        """What ended a worker that did not say so itself."""
        how = cluster.describe(error)
        if cluster.failed_to_start(error):
            needs = "each node needs this project and its extras, of the same version (docs/ray.md)"
            return WorkerExit(
                error=HarnessError(f"a node of the cluster can run no worker: {how}; {needs}")
            )
        return WorkerExit(died=f"on {self._node}: {how}")

    def _tell(self, news: Told | WorkerExit) -> None:
        self._inbox.put((self._job.number, news))


class _Ray(Executor):
    """Starts workers on the nodes of a Ray cluster."""

    @contextmanager
    def session(self, plan: StudyPlan, total: int) -> Iterator[Sequence[Job]]:
        """The work of each worker, while this process is connected with the cluster."""
        cluster.check_command_line(plan, sys.orig_argv)
        with cluster.connected(plan.workforce.ray_address):
            cluster.check_plan(plan)
            with super().session(plan, total) as jobs:
                yield jobs

    def start(self, job: Job, inbox: Inbox) -> RayWorker:
        """A worker that begins with ``job`` as soon as the cluster has room for it."""
        return RayWorker(job, inbox)


ray = _Ray()
