"""Workers as processes of this machine, which end with the process that started them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from harness.core.interruption import interruption
from harness.search.display.events import Event
from harness.search.plan import StudyPlan
from harness.search.workers.executors import Executor, Inbox, Job, WorkerExit, WorkerHandle
from harness.search.workers.resources import gpu_allocations, thread_limits
from harness.search.workers.worker import serve


class LocalWorker(WorkerHandle):
    """A process, and the pipe between it and this one.

    The job is sent through the pipe, so that the list of processes shows no password.
    """

    def __init__(self, job: Job, inbox: Inbox) -> None:
        """Start the process."""
        context = get_context("spawn")  # TensorFlow does not survive a fork
        self._pipe, its_end = context.Pipe()
        self._process = context.Process(target=_main, args=(job, its_end), daemon=True)
        resource_tracker.ensure_running()  # starting it would unblock the signal
        with _environment(job.environment), _blocked(signal.SIGINT):
            self._process.start()
        its_end.close()
        listener = (job.number, self._pipe, self._process, inbox)
        threading.Thread(target=_listen, args=listener, daemon=True).start()

    def stop(self) -> None:
        """Ask the process to end as after Ctrl-C."""
        with suppress(OSError):
            self._pipe.send("stop")

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def dismiss(self) -> None:
        """Do nothing: a process waits for no resources."""


class _Local(Executor):
    """Starts workers as processes of this machine."""

    @contextmanager
    def session(self, plan: StudyPlan, total: int) -> Iterator[Sequence[Job]]:
        """The job of each worker, with its part of the cores or of a GPU."""
        workers = plan.workforce.workers
        allocations = gpu_allocations(plan.workforce)
        jobs = []
        for number in range(workers):
            gpu, memory = allocations[number] if allocations else (None, None)
            devices = {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}
            jobs.append(Job(plan, total, number, {**thread_limits(workers), **devices}, memory))
        yield jobs

    def start(self, job: Job, inbox: Inbox) -> LocalWorker:
        """A process that has begun with ``job``."""
        return LocalWorker(job, inbox)


local = _Local()


def _listen(number: int, pipe: Connection, process: SpawnProcess, inbox: Inbox) -> None:
    """Forward what comes through the pipe until the process ends, then send how it ended."""
    received: Event | WorkerExit | None = None
    with suppress(EOFError, OSError):
        while not isinstance(received, WorkerExit):
            received = pipe.recv()
            inbox.put((number, received))
    process.join()
    if not isinstance(received, WorkerExit):
        code = process.exitcode or 0
        died = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        inbox.put((number, WorkerExit(died=died)))


def _main(job: Job, pipe: Connection) -> None:
    """Run a worker. The supervisor alone hears Ctrl-C, and asks the worker to stop."""

    def send(item: Event | WorkerExit) -> None:
        with suppress(OSError):  # the supervisor is gone: _obey ends the work
            pipe.send(item)

    interruption.install()
    try:
        with interruption.checked():
            threading.Thread(target=_obey, args=(pipe,), daemon=True).start()
            ended = serve(job, send)
            interruption.finish()
    except KeyboardInterrupt:  # before the work began, or after its end
        interruption.finish()
        ended = WorkerExit(interrupted=True)
    send(ended)


def _obey(pipe: Connection) -> None:
    """Interrupt the work when the supervisor asks for it, or when its end of the pipe is closed."""
    with suppress(EOFError, OSError):
        pipe.recv()
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _blocked(number: signal.Signals) -> Iterator[None]:
    """A block whose new processes never hear the signal, not even while they load Python.

    This process hears it in another thread, or after the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
