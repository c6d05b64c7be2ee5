"""``python -m harness.ui``, as a person meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.cli.app import open_door
from harness.core.config import TrialConfig
from harness.core.schema import FinalState
from harness.core.spec.study_spec import StudySpec
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from harness.tracking.ui.server import free_port
from harness.ui import ui
from tests.support.repository import REPOSITORY

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(layout: Layout) -> Iterator[Start]:
    """Start the door on the store of ``layout`` with the given arguments."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, mlruns: Path = layout.root) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.ui", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "HARNESS_MLRUNS": str(mlruns)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there are no runs at"),
        (["--tracking-uri", "file:///tmp"], "--tracking-uri: file:///tmp: unknown kind of store"),
        (["--tracking-uri", "http://host:5000"], "is an MLflow server; open it in a browser"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    start: Start, tmp_path: Path, arguments: list[str], words: str
) -> None:
    process = start(*arguments, mlruns=tmp_path / "nowhere")
    said, complained = process.communicate()
    assert process.returncode == 2
    assert said == ""
    assert words in complained
    assert complained.count("\n") == 1


def test_a_bad_port_is_one_line(start: Start) -> None:
    process = start("--port", "70000")
    _, complained = process.communicate()
    assert process.returncode == 2
    assert complained == "error: --port 70000; allowed: 1 to 65535\n"


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.slow  # MLflow's server imports itself three times
def test_runs_and_files_are_served_until_ctrl_c(start: Start, layout: Layout) -> None:
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    study = tracker.open_study(StudySpec(name="shown", question="Is it shown?"))
    trial = study.start_trial(0, TrialConfig())
    trial.log_json("config.json", {"slope": 0.1})
    trial.finish(FinalState.COMPLETE)

    port = free_port("127.0.0.1", None)
    process = start("--port", str(port))
    assert process.stdout is not None
    assert "about 15 seconds" in process.stdout.readline()
    view = f"http://127.0.0.1:{port}/#/experiments/{study.experiment_id}/runs?"
    assert process.stdout.readline().startswith(
        f"  shown: {view}workflowType=machine_learning&view"
    )
    assert f"http://127.0.0.1:{port}/#/experiments?" in process.stdout.readline()
    server = f"http://127.0.0.1:{port}"
    found = _post(
        f"{server}/api/2.0/mlflow/runs/search",
        {"experiment_ids": [study.experiment_id], "filter": "tags.kind = 'trial'"},
    )
    assert [run["info"]["status"] for run in found["runs"]] == ["FINISHED"]
    where = f"run_id={trial.run_id}&path=config.json"
    with urllib.request.urlopen(f"{server}/get-artifact?{where}", timeout=60) as answer:
        assert json.load(answer) == {"slope": 0.1}

    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate()
    assert (process.returncode, complained) == (0, "")
    assert "The UI has ended" in said
    assert time.monotonic() - began < 15
    assert free_port("127.0.0.1", port) == port  # nobody listens there any more


@pytest.mark.parametrize(
    ("arguments", "host", "exposes"),
    [([], "127.0.0.1", False), (["--host", "::1"], "::1", False), (["--host", "0"], "0", True)],
)
def test_it_listens_on_loopback_unless_told_and_says_what_else_exposes(
    arguments: list[str],
    host: str,
    exposes: bool,
    layout: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hosts = []

    def running_server(uri: str, layout: Layout, host: str, port: int) -> None:
        hosts.append(host)
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.tracking.ui.server.running_server", running_server)
    monkeypatch.setattr("harness.tracking.ui.server.free_port", lambda host, port: 5000)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as left:
        open_door(ui, [*arguments, f"--tracking-uri={layout.tracking_uri}"])
    assert left.value.code == 0
    assert hosts == [host]
    said = capsys.readouterr().out
    assert ("can read, change and delete all runs" in said) == exposes
    assert ("There is no password." in said) == exposes
