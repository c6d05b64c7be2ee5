"""The supervisor of several workers: starts them, forwards their events, restarts, stops them."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence

from harness.core.errors import HarnessError
from harness.core.interruption import interruption
from harness.core.schema import INTERRUPTED, FinalState
from harness.search.display.events import Event, Listener, Message, TrialFinished, TrialStarted
from harness.search.workers.executors import Executor, Inbox, Job, WorkerExit, WorkerHandle

STOP_SECONDS = 60.0
"""How long workers that were asked to stop may take to close their trials."""


class Supervisor:
    """The workers of one session.

    Restarts a worker that died if it had finished at least one trial; otherwise continues with
    fewer workers, so that a crash loop cannot happen.
    """

    def __init__(self, executor: Executor, jobs: Sequence[Job], listen: Listener) -> None:
        """Start a worker for each of ``jobs``; ``listen`` gets the events of all."""
        self._executor = executor
        self._listen = listen
        self._inbox: Inbox = queue.SimpleQueue()
        self._began = time.monotonic()
        self._jobs = {job.number: job for job in jobs}
        self._trials: dict[int, tuple[int, float]] = {}  # worker -> (its trial, when that began)
        self._finished_trials = dict.fromkeys(self._jobs, 0)  # since the worker was started
        self._messages: set[Message] = set()
        self._failure: Exception | None = None
        self._interrupted = False
        self._complete = False
        self._stopping_since: float | None = None
        self._workers: dict[int, WorkerHandle] = {}
        for job in jobs:
            self._workers[job.number] = executor.start(job, self._inbox)

    def wait(self) -> bool:
        """Forward events until all workers have ended; whether a person stopped them.

        Raises HarnessError if a worker could not begin or if no worker is left, and WorkerDefect
        with the traceback if a worker's code has a defect.
        """
        while self._workers:
            try:
                self._handle_next()
                if self._stopping_since is None:
                    interruption.check()
                elif interruption.presses > 1:
                    self._stop(at_once=True)
            except KeyboardInterrupt:
                self._interrupted = True
                self._stop(at_once=self._stopping_since is not None)
        if self._failure is not None:
            raise self._failure
        return self._interrupted

    def _handle_next(self) -> None:
        try:
            number, received = self._inbox.get(timeout=1.0)
        except queue.Empty:
            since = self._stopping_since
            if since is not None and time.monotonic() - since > STOP_SECONDS:
                self._stop(at_once=True)
            return
        if isinstance(received, WorkerExit):
            self._on_exit(number, received)
        else:
            self._on_event(number, received)

    def _on_event(self, number: int, event: Event) -> None:
        """Forward the event; of messages that all workers send alike, only the first."""
        if isinstance(event, Message) and event.trial is None:
            if event in self._messages:
                return
            self._messages.add(event)
        if isinstance(event, TrialStarted):
            self._trials[number] = (event.number, time.monotonic())
        if isinstance(event, TrialFinished):
            self._trials.pop(number, None)
            self._finished_trials[number] += event.reason != INTERRUPTED
        self._listen(event)

    def _on_exit(self, number: int, ended: WorkerExit) -> None:
        del self._workers[number]
        if number in self._trials:
            trial, began = self._trials.pop(number)
            seconds = time.monotonic() - began
            self._listen(TrialFinished(trial, FinalState.FAIL, None, INTERRUPTED, seconds))
        if ended.error is not None or ended.defect:
            if self._failure is None:
                self._failure = ended.error or WorkerDefect(f"worker {number}:\n{ended.defect}")
            self._stop()
        elif ended.died:
            self._on_death(number, ended.died)
        elif not ended.interrupted:
            self._complete = True
            for worker in self._workers.values():
                worker.dismiss()
        elif self._stopping_since is None:
            self._say(f"worker {number} was stopped; {self._remaining()}")

    def _on_death(self, number: int, died: str) -> None:
        """Restart the worker, or say why not; ``died`` is its exit code or signal."""
        if self._stopping_since is not None:
            return
        if self._complete:
            self._say(f"worker {number} died ({died}); no trial is left, it is not restarted")
            return
        if self._finished_trials[number]:
            self._say(f"worker {number} died ({died}); it is restarted")
            self._finished_trials[number] = 0
            job = self._jobs[number].after(time.monotonic() - self._began)
            self._workers[number] = self._executor.start(job, self._inbox)
            return
        self._say(f"worker {number} died ({died}) before it finished a trial; {self._remaining()}")
        if not self._workers:
            self._failure = HarnessError(
                f"no worker is left; the last died: {died}. The same command again resumes"
            )

    def _stop(self, *, at_once: bool = False) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        for worker in self._workers.values():
            if at_once:
                worker.kill()
            else:
                worker.stop()

    def _remaining(self) -> str:
        count = len(self._workers)
        if not count:
            return "no worker is left"
        return f"{count} worker{'s' if count > 1 else ''} left"

    def _say(self, text: str) -> None:
        self._listen(Message(text))


class WorkerDefect(RuntimeError):
    """A defect in a worker: the text is the worker's traceback."""
