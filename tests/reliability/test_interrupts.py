"""Ctrl-C at random moments: each one ends the command, and leaves nothing running.

HARNESS_TEST_INTERRUPTS is the number of interrupts for each way of working, HARNESS_TEST_SEED their
luck.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.commands import command, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7_200)]

INTERRUPTS = int(os.environ.get("HARNESS_TEST_INTERRUPTS", "3"))
SEED = int(os.environ.get("HARNESS_TEST_SEED", "1"))
END_SECONDS = 120.0
"""How long a command may take to end; a busy machine writes a report in half of it."""

TRIALS = 10_000
"""More than are ever run; the row of a trial that ended says "1/10000"."""

# Trials of a second or two, so that many moments lie between two of them.
STUDY = f"""
question = "Does it hear?"
[base]
dataset = "digits"
width = 0.0625
batch_size = 32
images = 1_600
[space]
leaky_slope = {{ low = 0.0, high = 0.4 }}
[search]
num_trials = {TRIALS}
sampler = "random"
reports = 2
collapse_alarm = false
[evaluation]
num_samples = 100
"""


class Person:
    """Starts the study in ``folder`` again and again, and presses Ctrl-C once each time."""

    def __init__(self, folder: Path, options: tuple[str, ...]) -> None:
        self.folder, self.options = folder, options
        self.rng = random.Random(f"{SEED} {options}")
        self.seconds: list[float] = []
        self.moments: Counter[str] = Counter()

    def press(self) -> None:
        """Start the command, interrupt it at a random moment, and look at what it left."""
        log = self.folder / f"session-{len(self.seconds)}.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command("interrupts", *self.options),
                cwd=self.folder,
                env=environment(self.folder),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal tells the whole group
            )
        try:
            self.moments[self._wait_for_the_moment(process, log)] += 1
            assert process.poll() is None, f"it ended by itself:\n{log.read_text()}"
            began = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=END_SECONDS)
            self.seconds.append(time.monotonic() - began)
        finally:
            process.kill()
            process.wait()
        text = log.read_text()
        assert process.returncode == 130, text
        assert "Traceback" not in text, text
        assert _running(self.folder) == [], text
        deadline = time.monotonic() + END_SECONDS
        while left := _left_processes(self.folder):  # multiprocessing's tracker ends after all
            assert time.monotonic() < deadline, left
            time.sleep(0.1)

    def _wait_for_the_moment(self, process: subprocess.Popen[bytes], log: Path) -> str:
        """Wait for any moment of the start, or one between or in trials; which kind it was."""
        while not _handles_signals(process.pid):
            time.sleep(0.02)
        if self.rng.random() < 1 / 5:
            time.sleep(self.rng.uniform(0.0, 10.0))
            return "at the start"
        _wait_for_line(process, log, "starts")
        if self.rng.random() < 1 / 2:
            # The end of a trial is printed before its memory is freed, where exceptions are lost.
            _wait_for_line(process, log, f"/{TRIALS}")
            time.sleep(self.rng.uniform(0.0, 0.3))
            return "between trials"
        time.sleep(self.rng.uniform(0.0, 4.0))
        return "during trials"


def _handles_signals(process: int) -> bool:
    """Whether Python has set handlers beyond its own: before, Ctrl-C is the interpreter's."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, mask = line.partition(":")
        if name == "SigCgt":
            return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)
    return False


def _wait_for_line(process: subprocess.Popen[bytes], log: Path, ending: str) -> None:
    """Wait for a new line that holds or ends with ``ending``."""
    known = log.read_text().count(ending)
    while process.poll() is None and log.read_text().count(ending) == known:
        time.sleep(0.005)


def _running(folder: Path) -> list[tuple[str, str]]:
    """(Store, state) of each trial and run that has not ended, and of a study that was left."""
    found = []
    for file, table, column in (("optuna", "trials", "state"), ("mlflow", "runs", "status")):
        path = folder / "mlruns" / f"{file}.db"
        if path.exists():
            with closing(sqlite3.connect(path)) as connection:
                states = [state for (state,) in connection.execute(f"SELECT {column} FROM {table}")]
            found += [(file, state) for state in states if state in ("RUNNING", "SCHEDULED")]
    return found


def _left_processes(folder: Path) -> list[str]:
    """The command lines of processes that work in ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_each_ctrl_c_ends_the_command_and_leaves_nothing_running(
    workspace: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "studies").mkdir()
    (workspace / "studies" / "interrupts.toml").write_text(STUDY)
    person = Person(workspace, ("--workers", str(workers), "--no-report"))
    for _ in range(INTERRUPTS):
        person.press()
    with capsys.disabled():
        print(
            f"\n{workers} workers, {INTERRUPTS} interrupts {dict(person.moments)}: longest "
            f"{max(person.seconds):.1f} s, the median {sorted(person.seconds)[INTERRUPTS // 2]:.1f}"
        )
