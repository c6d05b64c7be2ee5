"""Workers as processes of this machine, which end with the process that started them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import FrameType

from harness.search.plan import StudyPlan
from harness.search.workers.executors import Executor, Inbox, Job, Told, Worker, WorkerExit
from harness.search.workers.resources import gpu_allocations, thread_limits
from harness.search.workers.worker import serve


class LocalWorker(Worker):
    """A process, and the pipe between it and this one.

    The job goes through the pipe, so that no password is seen in the list of processes.
    """

    def __init__(self, job: Job, inbox: Inbox) -> None:
        """Start it."""
        context = get_context("spawn")  # a forked TensorFlow does not work
        self._pipe, its_end = context.Pipe()
        self._process = context.Process(target=_main, args=(job, its_end), daemon=True)
        with _environment(job.environment):
            self._process.start()
        its_end.close()
        listener = (job.number, self._pipe, self._process, inbox)
        threading.Thread(target=_listen, args=listener, daemon=True).start()

    def stop(self) -> None:
        """Ask it to end as after Ctrl-C."""
        with suppress(OSError):
            self._pipe.send("stop")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def dismiss(self) -> None:
        """Leave it alone: it has begun."""


class _Local(Executor):
    """Starts workers as processes of this machine."""

    @contextmanager
    def session(self, plan: StudyPlan, total: int) -> Iterator[Sequence[Job]]:
        """The work of each worker with its share of the cores or of a GPU."""
        workers = plan.workforce.workers
        shares = gpu_allocations(plan.workforce)
        jobs = []
        for number in range(workers):
            gpu, memory = shares[number] if shares else (None, None)
            devices = {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}
            jobs.append(Job(plan, total, number, {**thread_limits(workers), **devices}, memory))
        yield jobs

    def start(self, job: Job, inbox: Inbox) -> LocalWorker:
        """A process that has begun with ``job``."""
        return LocalWorker(job, inbox)


local = _Local()


def _listen(number: int, pipe: Connection, process: SpawnProcess, inbox: Inbox) -> None:
    """Pass on what comes through the pipe until the process ends, then say how it ended."""
    news: Told | WorkerExit = Told("", ())
    with suppress(EOFError, OSError):
        while not isinstance(news, WorkerExit):
            news = pipe.recv()
            inbox.put((number, news))
    process.join()
    if not isinstance(news, WorkerExit):
        code = process.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        inbox.put((number, WorkerExit(died=how)))


def _main(job: Job, pipe: Connection) -> None:
    """What the process does. Ctrl-C reaches it through its parent, so that it comes but once."""

    def send(news: Told | WorkerExit) -> None:
        with suppress(OSError):  # the parent is gone: the work ends soon, by _obey
            pipe.send(news)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt_once)
    try:
        threading.Thread(target=_obey, args=(pipe,), daemon=True).start()
        ended = serve(job, send)
    except KeyboardInterrupt:  # before the work had begun, or after its end
        ended = WorkerExit(interrupted=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    send(ended)


def _obey(pipe: Connection) -> None:
    """Interrupt the work when the parent says so, or is no more."""
    with suppress(EOFError, OSError):
        pipe.recv()
    os.kill(os.getpid(), signal.SIGTERM)


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """End the work as Ctrl-C does; a second signal must not cut off the closing of the trial."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """``os.environ`` with ``changes``, for a process to inherit."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
