"""Several users on one machine, and workers that sleep, hang or are named by others."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from optuna.storages import RDBStorage

from harness.core.errors import InputError
from harness.core.file_lock import file_lock, user_lock_folder
from harness.core.schema import TrialAttribute
from harness.diagnostics.consistency import examine_studies
from harness.search.study.storage import open_storage
from harness.search.workers import heartbeat
from harness.search.workers.heartbeat import WorkerIdentity, close_stale
from harness.tracking.stores.layout import Layout, Stores
from harness.tracking.stores.locks import TABLES, lock
from tests.support.stub_worker import SPEC, trial_queue

SOMEONE, SOMEONE_ELSE = 54_321, 54_322
"""User ids that need no account."""


@contextmanager
def as_user(uid: int) -> Iterator[None]:
    """What this process does inside the block, another user does."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder of a machine whose users may all write to it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def own(shared: Path) -> Path:
    """Where this user's locks belong, not made yet."""
    return shared / f"gan-harness-{os.geteuid()}"


def link(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)


def dangling(folder: Path) -> None:
    folder.symlink_to(folder.parent / "nowhere")


def with_mode(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir()
        folder.chmod(mode)

    return make


def anothers(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, SOMEONE, -1)


ATTACKS = {
    "link": (link, "is a symbolic link"),
    "dangling link": (dangling, "is a symbolic link"),
    "file": (Path.touch, "is no folder"),
    "open to all": (with_mode(0o777), r"is open to other users \(mode 0777\)"),
    "readable": (with_mode(0o755), r"is open to other users \(mode 0755\)"),
    "open to the group": (with_mode(0o710), r"is open to other users \(mode 0710\)"),
}


def check_refused(folder: Path, reason: str) -> None:
    for use in (user_lock_folder, WorkerIdentity):
        with pytest.raises(InputError, match=f"{folder} {reason}; set XDG_RUNTIME_DIR or TMPDIR"):
            use()
    assert not any(folder.parent.glob("*/*"))  # nothing is made in it


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_prepared_folder_for_locks_is_refused(own: Path, attack: str) -> None:
    prepare, reason = ATTACKS[attack]
    prepare(own)
    check_refused(own, reason)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_prepared_folder_in_the_runtime_folder_is_refused(
    shared: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = shared / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    prepare, reason = ATTACKS[attack]
    prepare(runtime / "gan-harness")
    with pytest.raises(InputError, match=f"{runtime}/gan-harness {reason}; set"):
        user_lock_folder()


@needs_root
@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_a_folder_that_another_user_made_first_is_refused(own: Path, mode: int) -> None:
    with as_user(SOMEONE):
        own.mkdir()
        own.chmod(mode)
    check_refused(own, rf"belongs to another user \(uid {SOMEONE}\)")


def test_a_folder_of_another_user_is_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a second user: this process takes itself for one."""
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: SOMEONE)
    folder = own.with_name(f"gan-harness-{SOMEONE}")
    folder.mkdir(mode=0o700)
    check_refused(folder, rf"belongs to another user \(uid {mine}\)")


@pytest.mark.parametrize("attack", [*ATTACKS, "missing", "relative", "unset", "another's"])
def test_a_runtime_folder_that_is_not_the_users_own_is_not_used(
    own: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = own.parent / "run"
    if attack == "another's" and os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    attacks = {name: prepare for name, (prepare, _) in ATTACKS.items()}
    attacks |= {"relative": with_mode(0o700), "another's": anothers}
    attacks.get(attack, lambda folder: None)(runtime)
    monkeypatch.chdir(own.parent)
    values = {"relative": "run", "unset": ""}
    monkeypatch.setenv("XDG_RUNTIME_DIR", values.get(attack, str(runtime)))
    assert user_lock_folder() == own
    assert own.stat().st_mode & 0o777 == 0o700
    assert not (runtime / "gan-harness").exists()


def test_the_runtime_folder_is_used_if_it_is_the_users_own(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = shared / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert user_lock_folder() == runtime / "gan-harness" == user_lock_folder()


def test_many_that_make_the_folder_at_once_get_the_same_one(own: Path) -> None:
    before, start = os.umask(0), threading.Barrier(8)
    found: list[Path] = []

    def find() -> None:
        start.wait()
        found.append(user_lock_folder())

    threads = [threading.Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.umask(before)
    assert found == [own] * 8
    assert own.stat().st_mode & 0o777 == 0o700


@needs_root
def test_two_users_of_one_mlflow_server_do_not_stop_each_other(shared: Path) -> None:
    address = "http://127.0.0.1:5000"
    with as_user(SOMEONE), lock(address, TABLES, 0):
        os.seteuid(0)
        os.seteuid(SOMEONE_ELSE)
        with lock(address, TABLES, 0), WorkerIdentity():
            assert user_lock_folder() == shared / f"gan-harness-{SOMEONE_ELSE}"
        os.seteuid(0)
        os.seteuid(SOMEONE)
    assert sorted(path.name for path in shared.iterdir()) == [
        f"gan-harness-{SOMEONE}",
        f"gan-harness-{SOMEONE_ELSE}",
    ]


# Workers that sleep, hang, or are named by others.


@pytest.fixture
def url(layout: Layout, shared: Path) -> Iterator[str]:
    """A storage without studies; the locks of its workers are the test's own."""
    yield layout.storage_url
    for storage in opened:
        storage.remove_session()
        storage.engine.dispose()
    opened.clear()


opened: list[RDBStorage] = []


def queue(url: str):
    found = trial_queue(url, 3)
    opened.append(found.opened.storage)
    return found


def let_pass(url: str, seconds: float) -> None:
    """Let ``seconds`` pass on the database's clock: all heartbeats are so much older."""
    aged = f"update trial_heartbeats set heartbeat = datetime(heartbeat, '{-seconds:+} seconds')"
    storage = open_storage(url)
    opened.append(storage)
    with storage.engine.begin() as connection:
        connection.execute(sqlalchemy.text(aged))


LONG = heartbeat.STALE_SECONDS + 60


@pytest.mark.parametrize("seconds", [LONG, -LONG])
def test_a_worker_that_lives_keeps_its_trial_whatever_the_clock_says(
    url: str, seconds: float, layout: Layout
) -> None:
    """A laptop that sleeps, a clock that is set: the worker still holds the lock of its file."""
    desk = queue(url)
    with WorkerIdentity() as living, WorkerIdentity() as other:
        desk.next_assignment(living.name)
        let_pass(url, seconds)
        assert queue(url).next_assignment(other.name).stale == ()
        (finding,) = examine_studies(Stores.of(layout))
        assert finding.works is (None if seconds > 0 else True)
        living.path.unlink()  # as on any other machine, or for another user
        stale = (0,) if seconds > 0 else ()
        assert queue(url).next_assignment(other.name).stale == stale
        living.path.touch()


def test_a_worker_that_ended_loses_its_trial_however_young_its_heartbeat(url: str) -> None:
    desk = queue(url)
    with WorkerIdentity() as gone:
        desk.next_assignment(gone.name)
    gone.path.touch()  # as a killed process leaves it
    let_pass(url, -LONG)
    assert close_stale(desk.opened.study, desk.opened.storage) == [0]


def test_a_worker_elsewhere_is_judged_by_its_heartbeat(url: str) -> None:
    desk = queue(url)
    desk.next_assignment("0123456789abcdef" * 2)
    let_pass(url, heartbeat.STALE_SECONDS - 60)
    assert close_stale(desk.opened.study, desk.opened.storage) == []
    let_pass(url, 120)
    assert close_stale(desk.opened.study, desk.opened.storage) == [0]


NAMES = ["", "a" * 31, "a" * 33, "a" * 32 + "\n", "A" * 32, "g" * 32, "٣" * 32, "x" * 5_000]


@pytest.mark.slow
def test_a_name_that_no_worker_has_counts_as_none(url: str, tmp_path: Path) -> None:
    """Nor is any file opened for it, though it be one that somebody holds."""
    desk = queue(url)
    paths = [f"{tmp_path}/victim", f"/..{tmp_path}/victim", "../" * 8 + "tmp/x", "a\0b"]
    others = [7, 1.5, True, None, ["a" * 32], {"a": 1}]
    with file_lock(tmp_path / "worker-victim.lock"), file_lock(tmp_path / "victim.lock"):
        for number, name in enumerate([*NAMES, *paths, *others]):
            trial_id = desk.next_assignment("a" * 32).trial_id
            desk.opened.storage.set_trial_user_attr(trial_id, TrialAttribute.WORKER, name)
            assert close_stale(desk.opened.study, desk.opened.storage) == [number]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mlruns",
        "victim.lock",
        "worker-victim.lock",
    ]


@contextmanager
def killed_at_last(process: subprocess.Popen[str]) -> Iterator[None]:
    """A process that was stopped does not end by itself, and would be waited for."""
    with process:
        try:
            yield
        finally:
            process.kill()


HANG = """
import signal, os, sys
from harness.search.workers.heartbeat import WorkerIdentity
with WorkerIdentity() as worker:
    print(worker.name, flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_hung_worker_keeps_its_trial_until_it_is_killed(
    url: str, layout: Layout, shared: Path
) -> None:
    """The doctor names it: neither the study nor the doctor ends a process that may still work."""
    desk = queue(url)
    hung = subprocess.Popen(
        [sys.executable, "-c", HANG],
        env={**os.environ, "TMPDIR": str(shared)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with killed_at_last(hung), WorkerIdentity() as other:
        assert hung.stdout is not None
        name = hung.stdout.readline().strip()
        os.waitid(os.P_PID, hung.pid, os.WSTOPPED)
        desk.next_assignment(name)
        (finding,) = examine_studies(Stores.of(layout))
        assert (finding.works, finding.detail) == (True, "is running now")
        let_pass(url, LONG)
        assert queue(url).next_assignment(other.name).stale == ()
        (finding,) = examine_studies(Stores.of(layout))
        assert finding.part == f"study {SPEC.name}"
        assert finding.works is None
        file = user_lock_folder() / f"worker-{name}.lock"
        assert finding.detail == (
            "is running now; the worker of trial 0 lives, but gave no sign for over 6 minutes: "
            f"if it hangs, end the process that holds {file}"
        )
        hung.send_signal(signal.SIGKILL)
        hung.wait()
        assert queue(url).next_assignment(other.name).stale == (0,)
