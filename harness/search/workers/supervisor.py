"""Several workers at one study: started, listened to, replaced if they die, stopped together."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence

from harness.core.errors import HarnessError
from harness.core.schema import INTERRUPTED, FinalState
from harness.search.display.events import SearchObserver, TrialEnd
from harness.search.workers.executors import Executor, Inbox, Job, Told, Worker, WorkerExit

STOP_SECONDS = 60.0
"""How long workers that were asked to stop may take to close their trials."""


class Supervisor:
    """The workers of one session.

    A worker that dies is said and replaced, provided that it had ended a trial since it began:
    else the study goes on with fewer, so that no fault repeats itself without end.
    """

    def __init__(self, executor: Executor, jobs: Sequence[Job], observer: SearchObserver) -> None:
        """Start a worker for each of ``jobs``; each tells its own part of ``observer``."""
        self._executor = executor
        self._observer = observer
        self._inbox: Inbox = queue.SimpleQueue()
        self._began = time.monotonic()
        self._jobs = {job.number: job for job in jobs}
        self._trials: dict[int, tuple[int, float]] = {}
        self._ended_trials = dict.fromkeys(self._jobs, 0)
        self._said: set[str] = set()
        self._failure: Exception | None = None
        self._interrupted = False
        self._complete = False
        self._stopping_since: float | None = None
        self._workers: dict[int, Worker] = {}
        for job in jobs:
            self._workers[job.number] = executor.start(job, self._inbox)

    def wait(self) -> bool:
        """Listen until all workers have ended; whether a person stopped them.

        Raises HarnessError if a worker could not begin, if its code has a defect (with the
        traceback), or if none is left to go on.
        """
        while self._workers:
            try:
                self._listen()
            except KeyboardInterrupt:
                self._interrupted = True
                self._stop(at_once=self._stopping_since is not None)
        if self._failure is not None:
            raise self._failure
        return self._interrupted

    def _listen(self) -> None:
        try:
            number, news = self._inbox.get(timeout=1.0)
        except queue.Empty:
            since = self._stopping_since
            if since is not None and time.monotonic() - since > STOP_SECONDS:
                self._stop(at_once=True)
            return
        if isinstance(news, WorkerExit):
            self._on_end(number, news)
        else:
            self._on_told(number, news)

    def _on_told(self, number: int, told: Told) -> None:
        if told.name == "message":
            return self._say(number, told.arguments[0])
        if told.name == "trial_started":
            self._trials[number] = (told.arguments[0], time.monotonic())
        if told.name == "trial_ended":
            self._trials.pop(number, None)
            self._ended_trials[number] += told.arguments[0].reason != INTERRUPTED
        method: Callable[..., None] = getattr(self._observer.worker(number), told.name)
        method(*told.arguments)

    def _on_end(self, number: int, ended: WorkerExit) -> None:
        del self._workers[number]
        if number in self._trials:
            trial, began = self._trials.pop(number)
            seconds = time.monotonic() - began
            end = TrialEnd(trial, FinalState.FAIL, None, INTERRUPTED, seconds)
            self._observer.worker(number).trial_ended(end)
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
            self._observer.message(f"worker {number} was stopped; {self._left()}")

    def _on_death(self, number: int, how: str) -> None:
        if self._stopping_since is not None:
            return
        if self._complete:
            self._observer.message(f"worker {number} died ({how}); no work is left for another")
            return
        if self._ended_trials[number]:
            self._observer.message(f"worker {number} died ({how}); another takes its place")
            self._ended_trials[number] = 0
            job = self._jobs[number].after(time.monotonic() - self._began)
            self._workers[number] = self._executor.start(job, self._inbox)
            return
        self._observer.message(f"worker {number} died ({how}) with no trial done; {self._left()}")
        if not self._workers:
            self._failure = HarnessError(
                f"no worker is left; the last died: {how}. The same command again goes on"
            )

    def _stop(self, *, at_once: bool = False) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        for worker in self._workers.values():
            if at_once:
                worker.kill()
            else:
                worker.stop()

    def _left(self) -> str:
        count = len(self._workers)
        return f"{count} {'goes' if count == 1 else 'go'} on" if count else "none is left"

    def _say(self, number: int, text: str) -> None:
        """Say what a worker has to say; what all say before their first trial is said once."""
        if number in self._trials:
            text = f"trial {self._trials[number][0]}: {text}"
        elif text in self._said:
            return
        self._said.add(text)
        self._observer.message(text)


class WorkerDefect(RuntimeError):
    """A defect in a worker: its text is the traceback from there."""
