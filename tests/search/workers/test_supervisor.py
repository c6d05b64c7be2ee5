"""What the parent makes of its workers' ends, with workers that only say that they ended."""

from pathlib import Path

import pytest

from harness.core.config import TrialConfig
from harness.core.errors import HarnessError, InputError
from harness.core.interruption import interruption
from harness.core.schema import INTERRUPTED, FinalState
from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import Message, TrialFinished, TrialStarted
from harness.search.plan import StudyPlan, Workforce
from harness.search.workers.executors import Executor, Job, WorkerExit, WorkerHandle
from harness.search.workers.supervisor import Supervisor, WorkerDefect
from harness.tracking.stores.layout import Layout

SPEC = StudySpec.from_dict({"question": "?", "space": {"leaky_slope": {"low": 0.0, "high": 0.4}}})


def started(number):
    return TrialStarted(number, TrialConfig())


def ended(number, reason=""):
    state = FinalState.FAIL if reason else FinalState.COMPLETE
    return TrialFinished(number, state, None if reason else 1.0, reason, 2.0)


class Script(Executor):
    """Workers that tell what their script says: one list for each start of a worker."""

    def __init__(self, scripts, when_stopped=None, waiting=()):
        self.scripts = {number: list(lists) for number, lists in scripts.items()}
        self.when_stopped = when_stopped or {}
        self.started = []
        self.stopped = []
        self.killed = []
        self.waiting = set(waiting)

    def start(self, job, inbox):
        self.started.append(job)
        for news in self.scripts[job.number].pop(0):
            inbox.put((job.number, news))
        return _Scripted(self, job.number, inbox)


class _Scripted(WorkerHandle):
    def __init__(self, script, number, inbox):
        self.script, self.number, self.inbox = script, number, inbox

    def stop(self):
        self.script.stopped.append(self.number)
        self.inbox.put((self.number, self.script.when_stopped.get(self.number, WorkerExit())))

    def kill(self):
        self.script.killed.append(self.number)
        self.inbox.put((self.number, WorkerExit(died="killed by SIGKILL")))

    def dismiss(self):
        if self.number in self.script.waiting:
            self.script.waiting.remove(self.number)
            self.inbox.put((self.number, WorkerExit()))


class Notes:
    """A listener that keeps messages and how trials ended."""

    def __init__(self):
        self.said, self.ends = [], []

    def __call__(self, event):
        if isinstance(event, Message):
            self.said.append(event if event.trial is not None else event.text)
        if isinstance(event, TrialFinished):
            self.ends.append((event.number, event.reason))


def supervisor(script, notes, workers=2, timeout=None):
    plan = StudyPlan(SPEC, Layout(Path()), "", "", timeout=timeout, workforce=Workforce(workers))
    return Supervisor(script, [Job(plan, 9, number) for number in range(workers)], notes)


def test_every_worker_tells_its_own_trials_and_common_news_are_said_once():
    begin = Message("loading")
    notes_of = [Message("resuming at 64 images", number) for number in (0, 1)]
    first = [begin, started(0), notes_of[0], ended(0), WorkerExit()]
    second = [begin, started(1), notes_of[1], ended(1), WorkerExit()]
    notes = Notes()
    assert supervisor(Script({0: [first], 1: [second]}), notes).wait() is False
    assert sorted(notes.ends) == [(0, ""), (1, "")]
    assert notes.said.count("loading") == 1
    assert [note for note in notes.said if isinstance(note, Message)] in (
        notes_of,
        notes_of[::-1],
    )


def test_a_worker_that_dies_after_a_trial_is_replaced_and_said():
    died = [started(0), ended(0), started(1), WorkerExit(died="killed by SIGKILL")]
    script = Script({0: [died, [WorkerExit()]], 1: [[WorkerExit()]]})
    notes = Notes()
    assert supervisor(script, notes, timeout=100.0).wait() is False
    assert [job.number for job in script.started] == [0, 1, 0]
    assert 0 < script.started[2].plan.timeout < 100.0
    assert "worker 0 died (killed by SIGKILL); it is restarted" in notes.said
    assert (1, INTERRUPTED) in notes.ends


@pytest.mark.parametrize("before", [[], [started(0)], [started(0), ended(0, INTERRUPTED)]])
def test_one_that_ended_no_trial_is_not_replaced(before):
    script = Script({0: [[*before, WorkerExit(died="killed by SIGKILL")]], 1: [[WorkerExit()]]})
    notes = Notes()
    assert supervisor(script, notes).wait() is False
    assert len(script.started) == 2
    assert any(
        "worker 0 died" in text and "before it finished a trial" in text for text in notes.said
    )


def test_a_study_without_workers_left_says_so():
    script = Script({0: [[WorkerExit(died="exit code 1")]], 1: [[WorkerExit(died="exit code 1")]]})
    with pytest.raises(HarnessError, match="no worker is left; the last died: exit code 1"):
        supervisor(script, Notes()).wait()


def test_one_that_waits_for_resources_is_dismissed_when_another_is_done():
    script = Script({0: [[started(0), ended(0), WorkerExit()]], 1: [[]]}, waiting=[1])
    assert supervisor(script, Notes()).wait() is False
    assert not script.waiting


def test_a_death_after_the_work_was_done_is_no_failure():
    done, died = [started(0), ended(0), WorkerExit()], [started(1), WorkerExit(died="node gone")]
    script = Script({0: [done], 1: [died]})
    notes = Notes()
    assert supervisor(script, notes).wait() is False
    assert "worker 1 died (node gone); no trial is left, it is not restarted" in notes.said


@pytest.mark.parametrize(
    ("end", "error", "text"),
    [
        (WorkerExit(error=InputError("no data")), InputError, "no data"),
        (WorkerExit(defect="Traceback ...\nKeyError: 1"), WorkerDefect, "KeyError: 1"),
    ],
)
def test_an_error_of_one_worker_stops_all_and_is_raised(end, error, text):
    script = Script({0: [[end]], 1: [[]]}, when_stopped={1: WorkerExit(interrupted=True)})
    with pytest.raises(error, match=text):
        supervisor(script, Notes()).wait()
    assert script.stopped == [1]


class Interrupting(Notes):
    """A person who presses Ctrl-C when the n-th message comes."""

    def __init__(self, *at):
        super().__init__()
        self.at, self.count = at, 0

    def __call__(self, event):
        super().__call__(event)
        self.count += isinstance(event, Message)
        if isinstance(event, Message) and self.count in self.at:
            raise KeyboardInterrupt


def test_ctrl_c_stops_all_workers_and_a_second_one_kills_them():
    script = Script(
        {0: [[Message("one")]], 1: [[]]},
        when_stopped={0: Message("closing"), 1: WorkerExit(interrupted=True)},
    )
    assert supervisor(script, Interrupting(1, 2)).wait() is True
    assert script.stopped == [0, 1]
    assert script.killed[0] == 0
    assert len(script.started) == 2


class Pressing(Notes):
    """A person whose Ctrl-C, at the n-th message, raises nothing: Python lost the exception."""

    def __init__(self, monkeypatch, *at):
        super().__init__()
        self.monkeypatch, self.at, self.count = monkeypatch, at, 0

    def __call__(self, event):
        super().__call__(event)
        self.count += isinstance(event, Message)
        if isinstance(event, Message) and self.count in self.at:
            self.monkeypatch.setattr(interruption, "requested", True)
            self.monkeypatch.setattr(interruption, "presses", self.at.index(self.count) + 1)


def test_a_ctrl_c_whose_exception_is_lost_stops_the_workers_as_well(monkeypatch):
    script = Script(
        {0: [[Message("one")]], 1: [[]]},
        when_stopped=dict.fromkeys((0, 1), WorkerExit(interrupted=True)),
    )
    assert supervisor(script, Pressing(monkeypatch, 1)).wait() is True
    assert (script.stopped, script.killed) == ([0, 1], [])


def test_a_second_ctrl_c_that_raises_nothing_kills_the_workers(monkeypatch):
    script = Script(
        {0: [[Message("one")]], 1: [[]]},
        when_stopped={0: Message("closing"), 1: WorkerExit(interrupted=True)},
    )
    assert supervisor(script, Pressing(monkeypatch, 1, 2)).wait() is True
    assert script.stopped == [0, 1]
    assert script.killed[0] == 0


def test_a_worker_that_does_not_stop_is_killed_in_the_end(monkeypatch):
    monkeypatch.setattr("harness.search.workers.supervisor.STOP_SECONDS", 0.0)
    script = Script({0: [[Message("one")]]}, when_stopped={0: Message("closing")})
    assert supervisor(script, Interrupting(1), workers=1).wait() is True
    assert script.killed == [0]
