"""A campaign of kill -9 at random moments against a study of two workers: nothing is lost.

HARNESS_TEST_KILLS is the number of kills for each kind of store, HARNESS_TEST_SEED their luck.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.commands import check_exact, children, command, environment, run, stores
from tests.support.postgres import postgres_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7_200)]

KILLS = int(os.environ.get("HARNESS_TEST_KILLS", "3"))
SEED = int(os.environ.get("HARNESS_TEST_SEED", "1"))
TRIALS = min(20, 2 * KILLS)
OPTIONS = ("--n-trials", str(TRIALS), "--workers", "2", "--no-report")

# Some learning rates let the losses overflow: failed trials count as well.
STUDY = """
question = "Does it survive?"
[base]
dataset = "digits"
width = 0.0625
batch_size = 32
images = 9_600
optimizer = "sgd"
normalization = "none"
[space]
learning_rate = { low = 1e-3, high = 0.2, log = true }
leaky_slope = { low = 0.0, high = 0.4 }
[search]
num_trials = 20
reports = 5
collapse_alarm = false
[evaluation]
num_samples = 200
"""


class Campaign:
    """The study ``name`` in ``folder``, started again whenever its command has ended."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.rng = random.Random(SEED)
        self.kills = {"parent": 0, "worker": 0}
        self.sittings = 0

    def fight(self) -> None:
        """Kill until there were enough kills, and leave nobody behind."""
        while sum(self.kills.values()) < KILLS:
            log = self.folder / f"session-{self.sittings}.txt"
            self.sittings += 1
            with log.open("wb") as output:
                parent = subprocess.Popen(
                    command(self.name, *OPTIONS),
                    cwd=self.folder,
                    env=environment(self.folder),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            try:
                while sum(self.kills.values()) < KILLS and parent.poll() is None:
                    self._kill_one(parent, log)
                parent.wait(timeout=600)  # after the last kill the command ends by itself
            finally:
                parent.kill()
            # Without a worker left it says so and ends as failed; the same command goes on.
            assert parent.returncode in (0, 1, -signal.SIGKILL), log.read_text()
            assert parent.returncode != 1 or "no worker is left" in log.read_text()
            assert parent.returncode != 0 or sum(self.kills.values()) == KILLS, (
                "it was over too soon"
            )
            assert "Traceback" not in log.read_text(), log.read_text()

    def _kill_one(self, parent: subprocess.Popen[bytes], log: Path) -> None:
        victim = self._moment(parent, log)
        if victim is not None:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                self.kills["parent" if victim == parent.pid else "worker"] += 1
        if victim == parent.pid:
            parent.wait()

    def _moment(self, parent: subprocess.Popen[bytes], log: Path) -> int | None:
        """Whom to kill, at the moment to do it; None if the session has ended.

        One kill in eight comes at any moment of a session, also while TensorFlow is loaded. The
        others hit who is awake: up to some seconds after that was seen, or when a line is printed,
        as at the beginning, the milestones and the end of a trial. As long as the study is ahead
        of the campaign they come at once, so that it is not over too soon.
        """
        if self.rng.random() < 1 / 8:
            time.sleep(self.rng.uniform(0.0, 8.0))
            return self._one_of([parent.pid, *_workers(parent.pid)]) if _lives(parent) else None
        while _lives(parent) and not _awake(parent.pid):
            time.sleep(0.02)
        if _done(log) >= (TRIALS - 4) * sum(self.kills.values()) / KILLS:
            time.sleep(self.rng.uniform(0.0, 0.5))
        elif self.rng.random() < 0.5:
            lines = _lines(log)
            while _lives(parent) and _lines(log) == lines:
                time.sleep(0.01)
            time.sleep(self.rng.uniform(0.0, 0.1))
        else:
            time.sleep(self.rng.uniform(0.0, 4.0))
        if not _lives(parent):
            return None
        hits_parent = self.rng.random() < 1 / 8
        return parent.pid if hits_parent else self._one_of(_awake(parent.pid))

    def _one_of(self, processes: list[int]) -> int | None:
        return self.rng.choice(processes) if processes else None


def _lives(parent: subprocess.Popen[bytes]) -> bool:
    return parent.poll() is None


def _workers(parent: int) -> list[int]:
    with suppress(OSError):
        return children(parent)
    return []


def _awake(parent: int) -> list[int]:
    """The workers that have begun to take trials: each holds the file of its name."""
    return [worker for worker in _workers(parent) if "/worker-" in _open_files(worker)]


def _open_files(process: int) -> str:
    found = []
    with suppress(OSError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                found.append(os.readlink(link))
    return " ".join(found)


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n")


def _done(log: Path) -> int:
    """The trials that are done, as the session says it."""
    row = r"^ +\d+ .* (\d+)/\d+$"
    said = re.findall(rf"(\d+) of \d+ trials are done|{row}", log.read_text(), re.MULTILINE)
    return int("".join(said[-1])) if said else 0


def _left_processes(folder: Path) -> list[int]:
    """The processes that were started for the study in ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and str(folder).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def addresses(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Fresh stores of each kind, which the commands find by the environment."""
    if request.param == "sqlite":
        yield {}
        return
    storage = request.getfixturevalue("postgres_url")
    with postgres_database(storage) as tracking:
        monkeypatch.setenv("HARNESS_STORAGE", storage)
        monkeypatch.setenv("HARNESS_TRACKING_URI", tracking)
        yield {"storage": storage, "tracking": tracking}


def test_kills_at_random_moments_cost_no_trial(
    workspace: Path, addresses: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "studies").mkdir()
    (workspace / "studies" / "campaign.toml").write_text(STUDY)
    campaign = Campaign(workspace, "campaign")
    began = time.monotonic()
    campaign.fight()
    last = run(workspace, "campaign", *OPTIONS)
    seconds = time.monotonic() - began
    assert last.returncode == 0, last.stderr
    trials, _ = check_exact(workspace, "campaign", TRIALS, **addresses)
    interrupted = sum(trial.user_attrs.get("failure") == "interrupted" for trial in trials.values())
    with capsys.disabled():
        print(
            f"\n{'PostgreSQL' if addresses else 'SQLite'}, seed {SEED}: {campaign.kills} killed in "
            f"{campaign.sittings} sittings, {interrupted} trials interrupted, {TRIALS} of {TRIALS} "
            f"done, {seconds:.0f} s"
        )
    check_nothing_is_left(workspace, "campaign", **addresses)


def check_nothing_is_left(folder: Path, name: str, **addresses: str) -> None:
    """No process, no open run, no run too many, no file of something half done."""
    deadline = time.monotonic() + 60.0
    while left := _left_processes(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
    trials, _, client = stores(folder, name, **addresses)
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id], max_results=1_000)
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED", "FAILED"}
    kinds = [run.data.tags["kind"] for run in runs]
    assert (kinds.count("trial"), kinds.count("study")) == (len(trials), 1)
    (study,) = (run for run in runs if run.data.tags["kind"] == "study")
    assert study.info.status == "FINISHED"
    assert not list((folder / "mlruns" / "checkpoints").rglob("*.*"))
    assert not list((folder / "mlruns").glob(".*.db-*"))
