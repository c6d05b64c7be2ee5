"""Several workers at one real study: the total is exact, whoever is killed in the middle.

Two that nobody disturbs are in test_study.py.
"""

import json
import os
import re
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy

from tests.support.commands import (
    check_exact,
    check_stores_agree,
    children,
    command,
    environment,
    run,
    stores,
    write_study,
)
from tests.support.postgres import postgres_database

WORKERS = ("--workers", "2", "--no-report")
WATCHED = ("--system-metrics",) if find_spec("psutil") else ()


def start(folder, name, total, *options):
    return subprocess.Popen(
        command(name, "--n-trials", str(total), *WORKERS, *options),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process, pattern):
    """The lines up to the first that matches."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            break
    return lines


@pytest.mark.slow
def test_the_trial_of_a_worker_that_is_killed_is_run_again_by_another(workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    write_study(workspace, "one_dies", 3_840)
    process = start(workspace, "one_dies", 4, *WATCHED)
    read_until(process, r"\b1/4\b")
    read_until(process, r"trial +\d+ +[\d,]+ images")
    os.kill(children(process.pid)[0], signal.SIGKILL)
    rest, _ = process.communicate(timeout=240)
    assert process.returncode == 0, rest
    assert "died (killed by SIGKILL)" in rest
    assert "Traceback" not in rest
    check_exact(workspace, "one_dies", 4)
    _, runs, _ = stores(workspace, "one_dies")
    complete = [run for run in runs.values() if run.data.tags["outcome"] == "complete"]
    watched = [one for one in complete if "system/disk_usage_percentage" in one.data.metrics]
    assert len(watched) == (len(complete) if WATCHED else 0)


@pytest.mark.slow
def test_workers_end_with_their_parent(workspace):
    write_study(workspace, "orphans", 7_680)
    process = start(workspace, "orphans", 3)
    read_until(process, r"trial +\d+ +[\d,]+ images")
    workers = children(process.pid)
    assert len(workers) == 2
    process.kill()
    process.communicate(timeout=60)  # its output ends once no worker holds it any more
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    trials, runs = check_stores_agree(workspace, "orphans")
    assert all(trial.state.is_finished() for trial in trials.values())
    assert {run.info.status for run in runs.values()} <= {"FAILED", "FINISHED"}
    assert run(workspace, "orphans", "--n-trials", "3", *WORKERS).returncode == 0
    check_exact(workspace, "orphans", 3)


@pytest.mark.slow
def test_sigterm_ends_all_workers_as_ctrl_c_does(workspace):
    write_study(workspace, "stopped", 7_680)
    process = start(workspace, "stopped", 3)
    read_until(process, r"trial +\d+ +[\d,]+ images")
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    trials, _ = check_stores_agree(workspace, "stopped")
    assert all(trial.state.is_finished() for trial in trials.values())
    assert run(workspace, "stopped", "--n-trials", "3").returncode == 0  # by one process
    check_exact(workspace, "stopped", 3)


@pytest.mark.slow
def test_wrong_input_is_one_line_as_with_one_worker(workspace):
    write_study(workspace, "wrong", 768)
    result = run(workspace, "wrong", "--set", "dataset=missing.npz", *WORKERS)
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if line]
    assert len(errors) == 1, errors
    assert "missing.npz" in errors[0]


@pytest.mark.slow
def test_two_machines_share_a_study_by_postgresql_and_show_no_password(tmp_path, postgres_url):
    """Each with a folder of its own, as two machines have; both started at once on fresh stores."""
    write_study(tmp_path, "far", 768)
    storage, password = postgres_url, sqlalchemy.make_url(postgres_url).password
    with postgres_database(storage) as tracking:
        machines = []
        for name in ("one", "two"):
            stores = {"HARNESS_STORAGE": storage, "HARNESS_TRACKING_URI": tracking}
            own = {"HARNESS_MLRUNS": str(tmp_path / name), **stores}
            options = ["--n-trials", "5", "--workers", "2", "--json"]
            machines.append(
                subprocess.Popen(
                    command("far", *options),
                    cwd=tmp_path,
                    env={**environment(tmp_path), **own},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        while not (workers := children(machines[0].pid)):
            assert machines[0].poll() is None
            time.sleep(0.1)
        lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in workers]
        outputs = [machine.communicate(timeout=500) for machine in machines]
        assert [machine.returncode for machine in machines] == [0, 0], outputs
        for printed, said in outputs:
            assert json.loads(printed)["done"] == 5
            lines += [printed, said]
        trials, runs = check_exact(tmp_path, "far", 5, storage=storage, tracking=tracking)
        assert len(trials) == 5
        assert len({trial.user_attrs["worker"] for trial in trials.values()}) > 1
        lines += [str(run.to_dictionary()) for run in runs.values()]
        pages = [path.read_text() for path in (tmp_path / "reports").rglob("*.*")]
        assert len(pages) >= 3
        assert not any(password in text for text in [*lines, *pages])
