"""Trials are handed out exactly: never one too many, never one twice, none lost with its worker.

HARNESS_TEST_TRIALS is the number of trials that eight workers share.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref

import pytest
import sqlalchemy
from optuna.trial import TrialState

from harness.core.interruption import interruption
from harness.core.schema import INTERRUPTED, Tag, TrialAttribute
from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import Message
from harness.search.study.lock import study_lock
from harness.search.study.storage import open_storage
from harness.search.study.trials import counted_trials, requeue_interrupted
from harness.search.workers import heartbeat
from harness.search.workers import worker as worker_module
from harness.search.workers.heartbeat import WorkerIdentity, close_stale
from harness.search.workers.worker import run_trials
from tests.support import stub_worker
from tests.support.stub_worker import SPEC, ignore, trial_queue

MANY = int(os.environ.get("HARNESS_TEST_TRIALS", "160"))
POINTS = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"images": 1_000, "batch_size": 16},
        "space": {"leaky_slope": {"choices": [0.0, 0.1, 0.2]}},
        "search": {"num_trials": 3, "sampler": "random", "pruner": "none"},
    },
    name="points",
)


@pytest.fixture(autouse=True)
def _connections_are_closed(monkeypatch):
    opened = []

    def open_and_note(url):
        opened.append(open_storage(url))
        return opened[-1]

    monkeypatch.setattr(stub_worker, "open_storage", open_and_note)
    yield
    for storage in opened:
        storage.remove_session()
        storage.engine.dispose()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("optuna") / "optuna.db"
    open_storage(f"sqlite:///{path}").engine.dispose()
    return path.read_bytes()


@pytest.fixture
def url(tmp_path, template):
    (tmp_path / "optuna.db").write_bytes(template)
    return f"sqlite:///{tmp_path}/optuna.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request):
    """A fresh storage of each kind."""
    return request.getfixturevalue("url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def worker():
    with WorkerIdentity() as worker:
        yield worker.name


def test_no_more_trials_are_handed_out_than_are_left(url, worker):
    here, there = trial_queue(url, 3), trial_queue(url, 3)
    assignments = [one.next_assignment(worker) for one in (here, there, here, there)]
    assert [assignment.trial is not None for assignment in assignments] == [True, True, True, False]
    assert [assignment.running for assignment in assignments] == [1, 2, 3, 3]
    assert not assignments[3].complete
    here.opened.study.tell(assignments[0].trial, 1.0)
    assert there.next_assignment(worker).done == 1
    for assignment in assignments[1:3]:
        here.opened.study.tell(assignment.trial, 1.0)
    assert there.next_assignment(worker).complete


def test_two_workers_never_get_the_same_configuration(url, worker):
    assignments = [trial_queue(url, 3, POINTS).next_assignment(worker) for _ in range(3)]
    assert {assignment.trial.params["leaky_slope"] for assignment in assignments} == {0.0, 0.1, 0.2}


def check_taken_over(url, worker, lost):
    """The trial that ``lost`` assigned is interrupted, and handed out again, once."""
    reconciled = []
    desk = trial_queue(
        url, 5, reconcile=lambda: reconciled.append([t.state for t in desk.opened.study.trials])
    )
    assignment = desk.next_assignment(worker)
    assert assignment.stale == (lost.trial.number,)
    assert assignment.trial.params == lost.trial.params
    assert assignment.trial.user_attrs[Tag.RETRY_OF] == lost.trial.number
    trials = trial_queue(url, 3).opened.study.trials
    assert trials[lost.trial.number].state == TrialState.FAIL
    assert trials[lost.trial.number].user_attrs[Tag.FAILURE] == INTERRUPTED
    assert reconciled == [[TrialState.FAIL, TrialState.RUNNING, TrialState.RUNNING]]
    desk.next_assignment(worker)
    assert len(reconciled) == 1  # nobody died since
    assert desk.next_assignment(worker).trial.params != lost.trial.params


def test_the_trial_of_a_worker_that_died_here_is_taken_over_at_once(url, worker):
    with WorkerIdentity() as gone:
        lost = trial_queue(url, 3).next_assignment(gone.name)
        assert trial_queue(url, 3).next_assignment(worker).stale == ()
    gone.path.touch()  # as a killed process leaves it: there, and not locked
    check_taken_over(url, worker, lost)
    gone.path.unlink()


def test_the_trial_of_another_machine_is_taken_over_once_it_is_silent(url, worker, monkeypatch):
    lost = trial_queue(url, 3).next_assignment("0123456789abcdef" * 2)
    assert trial_queue(url, 3).next_assignment(worker).stale == ()
    silent = f"datetime('now', '-{heartbeat.STALE_SECONDS + 1} seconds')"
    with stub_worker.open_storage(url).engine.begin() as connection:
        trial = "(select trial_id from trials where number = 0)"
        sql = f"update trial_heartbeats set heartbeat = {silent} where trial_id = {trial}"
        connection.execute(sqlalchemy.text(sql))
    check_taken_over(url, worker, lost)


def look_from_another_machine(monkeypatch, folder):
    """From here on no worker's file is found, so that heartbeats alone decide."""
    monkeypatch.setattr(heartbeat, "user_lock_folder", lambda: folder / "another machine")


def test_a_trial_that_runs_has_heartbeats(url, worker, monkeypatch, tmp_path):
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(heartbeat, "STALE_SECONDS", 2.0)
    seen = []

    def long(trial):
        look_from_another_machine(monkeypatch, tmp_path)
        for _ in range(4):
            time.sleep(1.0)
            seen.append(trial_queue(url, 1).next_assignment(worker).stale)
        return 0.0

    run_trials(trial_queue(url, 1), long, ignore)
    assert seen == [()] * 4


def test_a_worker_that_dies_under_the_lock_loses_no_configuration(url, worker):
    with WorkerIdentity() as gone:
        lost = trial_queue(url, 3).next_assignment(gone.name)
    gone.path.touch()
    desk = trial_queue(url, 3)
    # The next one queues the lost configuration and takes it, but dies before it has its values.
    close_stale(desk.opened.study, desk.opened.storage)
    requeue_interrupted(desk.opened.study, SPEC.space)
    half = desk.opened.study.ask()
    assert half.user_attrs[Tag.RETRY_OF] == lost.trial.number
    assignment = desk.next_assignment(worker)
    assert assignment.stale == (half.number,)
    assert assignment.trial.params == lost.trial.params
    assert assignment.trial.user_attrs[Tag.RETRY_OF] == half.number
    gone.path.unlink()


def test_a_configuration_that_was_never_complete_is_not_queued(url, worker):
    desk = trial_queue(url, 3)
    desk.opened.study.ask().suggest_float("leaky_slope", 0.0, 0.4)  # and no optimizer
    assignment = desk.next_assignment(worker)
    assert assignment.stale == (0,)
    assert Tag.RETRY_OF not in assignment.trial.user_attrs
    assert set(assignment.trial.params) == {"leaky_slope", "optimizer"}


def test_a_worker_that_was_given_up_but_lives_ends_its_trial_and_goes_on(
    url, worker, monkeypatch, tmp_path
):
    reconciled, said = [], []
    given_up, desk = [], trial_queue(url, 1, reconcile=lambda: reconciled.append(1))

    def slow(trial):
        if not given_up:
            given_up.append(trial.number)
            monkeypatch.setattr(heartbeat, "STALE_SECONDS", -1.0)
            look_from_another_machine(monkeypatch, tmp_path)
            assert close_stale(desk.opened.study, desk.opened.storage) == [trial.number]
            monkeypatch.undo()
        trial.set_user_attr("scores", {})
        return 0.0

    monkeypatch.setattr(worker_module, "POLL_SECONDS", 0.01)
    run_trials(desk, slow, said.append)
    assert len(reconciled) == 2  # at the first trial, and when the run of the lost one had ended
    texts = [event.text for event in said if isinstance(event, Message)]
    assert any("another worker closed this trial" in text for text in texts)
    assert len(counted_trials(trial_queue(url, 1).opened.study)) == 1


AS_RAISED = pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemError("bad argument to internal function")]
)
"""The exception of an interruption, and what C code may make of it."""


@AS_RAISED
def test_a_trial_that_is_interrupted_while_its_end_is_noted_is_run_again(
    url, worker, monkeypatch, error
):
    def interrupted(trial):
        monkeypatch.setattr(interruption, "requested", True)
        raise error  # the objective had no time to say why

    with pytest.raises(KeyboardInterrupt):
        run_trials(trial_queue(url, 1), interrupted, ignore)
    desk = trial_queue(url, 1)
    (trial,) = desk.opened.study.trials
    assert (trial.state, trial.user_attrs[Tag.FAILURE]) == (TrialState.FAIL, INTERRUPTED)
    assignment = desk.next_assignment(worker)
    assert assignment.done == 0
    assert assignment.trial.params == trial.params


@AS_RAISED
def test_a_worker_interrupted_between_assignment_and_trial_leaves_no_trial_running(
    url, worker, monkeypatch, error
):
    desk = trial_queue(url, 1)

    def interrupt():
        monkeypatch.setattr(interruption, "requested", True)
        raise error

    desk.reconcile = interrupt  # the last step of an assignment
    with pytest.raises(KeyboardInterrupt):
        run_trials(desk, lambda trial: 0.0, ignore)
    (trial,) = desk.opened.study.trials
    assert (trial.state, trial.user_attrs[Tag.FAILURE]) == (TrialState.FAIL, INTERRUPTED)
    assignment = trial_queue(url, 1).next_assignment(worker)
    assert assignment.trial.params == trial.params


def test_no_trial_begins_after_a_request_to_stop_whose_exception_was_lost(url):
    """It is lost where Python runs the callbacks of weak references, between two trials."""
    interruption.install()

    def run(trial):
        freed = lambda: None  # noqa: E731 (an object that can be referenced weakly)
        watched = weakref.ref(freed, lambda _: signal.raise_signal(signal.SIGINT))
        del freed
        assert watched() is None
        return 0.0

    desk = trial_queue(url, 3)
    with interruption.checked(), pytest.raises(KeyboardInterrupt):
        run_trials(desk, run, ignore)
    assert [trial.state for trial in desk.opened.study.trials] == [TrialState.COMPLETE]


def test_one_process_at_a_time_holds_a_study_lock_on_postgresql(postgres_url):
    inside, order = [], []
    storage = stub_worker.open_storage(postgres_url)

    def take(name):
        with study_lock(storage, "s"):
            inside.append(name)
            order.append(len(inside))
            time.sleep(0.2)
            inside.remove(name)

    threads = [threading.Thread(target=take, args=(name,)) for name in "abc"]
    with study_lock(storage, "s"):
        for thread in threads:
            thread.start()
        with study_lock(storage, "t"):  # another study's
            time.sleep(0.5)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == [1, 1, 1]


def start(url, total, seconds=0.0, die=0.0):
    arguments = [url, str(total), str(seconds), str(die)]
    return subprocess.Popen([sys.executable, "-m", "tests.support.stub_worker", *arguments])


def check_exact(url, total):
    """As many counted trials as wanted, all different, nothing left running or waiting."""
    study = trial_queue(url, total).opened.study
    counted = counted_trials(study)
    assert len(counted) == total
    assert {trial.state for trial in counted} == {TrialState.COMPLETE}
    assert len({trial.params["leaky_slope"] for trial in counted}) == total
    assert all(trial.state.is_finished() for trial in study.trials)
    return study


@pytest.mark.parametrize(
    ("number", "total"), [(2, 12), pytest.param(8, MANY, marks=pytest.mark.slow)]
)
def test_workers_run_many_trials_and_not_one_more(either_url, number, total, capsys):
    began = time.monotonic()
    workers = [start(either_url, total) for _ in range(number)]
    assert [worker.wait(timeout=500) for worker in workers] == [0] * number
    seconds = time.monotonic() - began
    study = check_exact(either_url, total)
    assert len(study.trials) == total
    assert len({trial.user_attrs[TrialAttribute.WORKER] for trial in study.trials}) == number
    # From the first trial to the last: the workers' own start is not what is measured.
    first, last = study.trials[0].datetime_start, max(t.datetime_complete for t in study.trials)
    rate = total / (last - first).total_seconds()
    with capsys.disabled():
        kind = either_url.partition(":")[0]
        print(f"\n{number} workers, {kind}: {total} trials in {seconds:.0f} s, {rate:.0f} per s")


@pytest.mark.slow
def test_workers_killed_at_random_moments_cost_no_trial(either_url):
    """They kill themselves in one trial of four, and are killed from outside at any moment."""
    rng = random.Random(1)
    workers = [start(either_url, 40, 0.05, 0.25) for _ in range(2)]
    kills = 0
    while kills < 50 and len(counted_trials(trial_queue(either_url, 40).opened.study)) < 40:
        time.sleep(rng.uniform(0.1, 2.0))
        rng.choice(workers).kill()
        for place, worker in enumerate(workers):
            if worker.poll() is not None:
                kills += worker.returncode != 0
                workers[place] = start(either_url, 40, 0.05, 0.25)
    assert kills >= 5
    for worker in workers:
        worker.kill()
        worker.wait()
    assert start(either_url, 40).wait(timeout=120) == 0
    check_exact(either_url, 40)
