"""What the machine does during a trial, recorded by MLflow's monitor where it was asked for."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from harness.core.config import TrialConfig
from harness.core.schema import EVALUATION_FILE, STUDY_FILE, SYSTEM_METRICS, FinalState, Tag
from harness.core.spec.study_spec import StudySpec
from harness.reporting.results.load import load_results
from harness.study import study as study_door
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.reconcile import INTERRUPTED_ENDING
from harness.tracking.stores.layout import Layout
from harness.tracking.tracker import TrialRun
from harness.trial import trial as trial_door
from tests.support.reports import EVALUATION
from tests.support.wrong_input import pass_door

INTERVAL = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"
ENABLE = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"
CPU = f"{SYSTEM_METRICS}cpu_utilization_percentage"
SPEC = StudySpec(name="watched", question="What does the machine do?")


@pytest.fixture
def tracker(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> MlflowTracker:
    """A tracker whose trials record the machine, every 50 ms."""
    pytest.importorskip("psutil", reason="psutil is not installed; it is part of the extra `test`")
    monkeypatch.setenv(INTERVAL, "0.05")
    return MlflowTracker(layout.tracking_uri, layout.artifact_root, system_metrics=True)


@pytest.fixture
def client(layout: Layout) -> MlflowClient:
    return MlflowClient(tracking_uri=layout.tracking_uri)


def complete(run: TrialRun) -> None:
    run.finish(FinalState.COMPLETE)


def prune(run: TrialRun) -> None:
    run.finish(FinalState.PRUNED, {"pruned_by": "pruner"})


def fail(run: TrialRun) -> None:
    raise MemoryError


def interrupt(run: TrialRun) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("end", [complete, prune, fail, interrupt])
def test_it_is_recorded_until_the_trial_ends_however_it_ends(
    tracker: MlflowTracker, client: MlflowClient, end: Callable[[TrialRun], None]
) -> None:
    before = mlflow.get_tracking_uri()
    with (
        suppress(MemoryError, KeyboardInterrupt),
        tracker.open_study(SPEC).start_trial(0, TrialConfig()) as run,
    ):
        run.log_system_metrics()
        wait_until(lambda: len(client.get_metric_history(run.run_id, CPU)) >= 2)
        end(run)
    assert watching() == []
    written = client.get_metric_history(run.run_id, CPU)
    assert [point.step for point in written] == list(range(len(written)))
    assert all(0 <= point.value <= 100 for point in written)
    names = client.get_run(run.run_id).data.metrics
    assert f"{SYSTEM_METRICS}system_memory_usage_megabytes" in names
    assert client.get_run(run.run_id).info.status in ("FINISHED", "FAILED")
    # MLflow's own state of the process is as it was.
    assert (mlflow.active_run(), mlflow.get_tracking_uri()) == (None, before)


def test_the_first_sample_is_no_invented_zero(
    tracker: MlflowTracker, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psutil's first answer to a thread is 0, whatever the machine does."""
    asked = set()

    def cpu_percent() -> float:
        thread = threading.current_thread()
        first = thread not in asked
        asked.add(thread)
        return 0.0 if first else 50.0

    monkeypatch.setattr("psutil.cpu_percent", cpu_percent)
    for number in range(2):
        with tracker.open_study(SPEC).start_trial(number, TrialConfig()) as run:
            run.log_system_metrics()
            wait_until(lambda: client.get_metric_history(run.run_id, CPU))
            run.finish(FinalState.COMPLETE)
        values = {point.value for point in client.get_metric_history(run.run_id, CPU)}
        assert values == {50.0}


def test_it_ends_by_itself_where_another_process_ends_the_run(
    tracker: MlflowTracker, client: MlflowClient, layout: Layout
) -> None:
    """As after a worker that was taken for dead; the run keeps the end that it was given."""
    run = tracker.open_study(SPEC).start_trial(0, TrialConfig())
    run.log_system_metrics()
    wait_until(lambda: client.get_metric_history(run.run_id, CPU))
    other = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    assert other.reconcile(lambda: {0: INTERRUPTED_ENDING}) == [0]
    wait_until(lambda: not watching())
    stored = client.get_run(run.run_id)
    assert (stored.info.status, stored.data.tags[Tag.FAILURE]) == ("FAILED", "interrupted")


def test_it_is_off_unless_asked_for(
    layout: Layout, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(INTERVAL, "0.05")
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    with tracker.open_study(SPEC).start_trial(0, TrialConfig()) as run:
        run.log_system_metrics()
        assert watching() == []
        run.finish(FinalState.COMPLETE)
    assert not any(name.startswith("system/") for name in client.get_run(run.run_id).data.metrics)


def test_a_line_of_its_log_shows_no_password(
    tracker: MlflowTracker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(client: MlflowClient, run_id: str) -> None:
        raise OSError("no answer from postgresql://ann:secret@host/runs")

    with tracker.open_study(SPEC).start_trial(0, TrialConfig()) as run:
        monkeypatch.setattr(MlflowClient, "get_run", refuse)
        logger = logging.getLogger("mlflow.system_metrics.system_metrics_monitor")
        monkeypatch.setattr(logger, "handlers", [caplog.handler])
        run.log_system_metrics()
        wait_until(lambda: not watching())
        run.finish(FinalState.COMPLETE)
    assert "no answer from postgresql://" in caplog.text
    assert "secret" not in caplog.text


def test_a_reused_run_lends_no_figures_of_its_machine(layout: Layout) -> None:
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    with study.start_trial(0, TrialConfig()) as run:
        run.log_metrics({"fid": 3.0, CPU: 50.0}, 1)
        run.finish(FinalState.COMPLETE, {Tag.TRAINS: "a" * 64})
    found = study.find_trained("a" * 64)
    assert found is not None
    assert set(found.history) == {"fid", "trial_number"}


def test_reports_and_curves_leave_it_out(layout: Layout) -> None:
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    study.log_json(STUDY_FILE, SPEC.to_dict())
    study.log_json(EVALUATION_FILE, EVALUATION)
    with study.start_trial(0, TrialConfig()) as run:
        run.log_metrics({"fid": 3.0, "fid_late": 3.0, CPU: 50.0}, 1)
        run.finish(FinalState.COMPLETE)
    results = load_results(layout.tracking_uri, SPEC.name)
    assert set(results.history["metric"]) == {"fid", "fid_late"}
    assert not [name for name in results.trials if "system" in name]


@pytest.mark.parametrize(
    ("door", "arguments", "variable"),
    [
        (study_door, ["--system-metrics"], None),
        (trial_door, ["--system-metrics"], None),
        (study_door, [], "true"),
    ],
)
def test_without_psutil_it_is_one_line_and_nothing_is_made(
    door, arguments, variable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.delitem(sys.modules, "harness.tracking.system_metrics", raising=False)
    monkeypatch.setenv("HARNESS_MLRUNS", str(tmp_path / "mlruns"))
    if variable:
        monkeypatch.setenv(ENABLE, variable)
    code, printed, said = pass_door(door, "quickstart", "--smoke", *arguments)
    assert (code, printed, said.count("\n")) == (2, "", 1)
    assert "psutil is not installed" in said
    assert "pip install '.[system-metrics]'" in said
    assert list(tmp_path.iterdir()) == []


def test_the_option_outranks_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """That psutil is missing is said first, where it is needed."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.delitem(sys.modules, "harness.tracking.system_metrics", raising=False)
    monkeypatch.setenv(ENABLE, "1")
    wrong = ("quickstart", "--smoke", "--storage", "nowhere")
    assert "psutil" in pass_door(study_door, *wrong)[2]
    assert "--storage" in pass_door(study_door, *wrong, "--no-system-metrics")[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (INTERVAL, "soon"),
        (INTERVAL, "-1"),
        (INTERVAL, "0"),
        (INTERVAL, "nan"),
        ("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1.5"),
        ("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "-2"),
    ],
)
def test_a_variable_with_which_the_monitor_cannot_work_is_one_line(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psutil", reason="psutil is not installed; it is part of the extra `test`")
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("HARNESS_MLRUNS", str(tmp_path / "mlruns"))
    code, printed, said = pass_door(study_door, "quickstart", "--smoke", "--system-metrics")
    assert (code, printed, said.count("\n")) == (2, "", 1)
    assert f"{name} is '{value}'; allowed:" in said
    assert list(tmp_path.iterdir()) == []


def watching() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "SystemMetricsMonitor"]


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
