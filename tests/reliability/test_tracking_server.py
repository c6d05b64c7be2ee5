"""An MLflow server that stops in the middle of trials and comes back: nothing is lost.

HARNESS_TEST_OUTAGE is how long it is away, in seconds, without its own start.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.errors import HarnessError
from harness.core.spec.study_spec import StudySpec
from harness.diagnostics.consistency import examine_studies
from harness.reporting.results.load import load_results
from harness.tracking.failures import failure_reason, is_outage
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout, Stores
from harness.tracking.ui.server import free_port, running_server
from tests.reliability.conftest import OUTAGE_SECONDS, SPEC, BothStores
from tests.support.stores import copy_stores

pytestmark = pytest.mark.slow


class TrackingServer:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.port = free_port("127.0.0.1", None)
        self._running = ExitStack()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        uri = self.layout.tracking_uri
        self._running.enter_context(running_server(uri, self.layout, "127.0.0.1", self.port))

    def stop(self) -> None:
        self._running.close()

    def stop_for_a_while(self) -> None:
        self.stop()
        threading.Timer(OUTAGE_SECONDS, self.start).start()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, empty_stores: Layout
) -> Iterator[TrackingServer]:
    """One for all tests: it takes ten seconds to start. The last test leaves it stopped."""
    made = TrackingServer(copy_stores(empty_stores, tmp_path_factory.mktemp("server") / "mlruns"))
    yield made
    made.stop()


def test_a_server_that_stops_for_a_while_costs_nothing(
    server: TrackingServer, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path}/optuna.db"
    stores = BothStores(storage, server.url, tmp_path / "unused")
    stores.run({4: server.stop_for_a_while})
    trials = stores.check_equal()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
    assert all(len(trial.intermediate_values) == 3 for trial in trials)
    for run in stores.runs():  # files go through the server as well
        files = {file.path for file in stores.tracker._client.list_artifacts(run.info.run_id)}
        assert {schema.GENERATOR_FILE, schema.CONFIG_FILE, schema.SAMPLES_FOLDER} <= files
        samples = stores.tracker._client.list_artifacts(run.info.run_id, schema.SAMPLES_FOLDER)
        assert len(samples) == 3
    (finding,) = examine_studies(Stores(Layout(tmp_path), storage, server.url))
    assert (finding.works, finding.part) == (True, "study faulty")
    assert len(load_results(server.url, SPEC.name).trials) == 3
    stores.close()


def test_what_the_machine_does_is_recorded_again_after_the_outage(
    server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psutil", reason="psutil is not installed; it is part of the extra `test`")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    tracker = MlflowTracker(server.url, tmp_path / "unused", system_metrics=True)
    study = tracker.open_study(StudySpec(name="watched", question="Is it recorded?"))

    def number() -> int:
        name = f"{schema.SYSTEM_METRICS}cpu_utilization_percentage"
        return len(tracker._client.get_metric_history(trial.run_id, name))

    def wait_for(samples: int) -> None:
        deadline = time.monotonic() + 60 + 4 * OUTAGE_SECONDS  # pauses double
        while number() < samples:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    with study.start_trial(0, TrialConfig()) as trial:
        trial.log_system_metrics()
        wait_for(2)
        server.stop()
        time.sleep(OUTAGE_SECONDS)
        server.start()
        wait_for(number() + 3)
        trial.finish(schema.FinalState.COMPLETE)
    assert tracker._client.get_run(trial.run_id).info.status == "FINISHED"


def test_a_server_that_stays_away_interrupts_the_trial(
    server: TrackingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # the person has less patience
    study = MlflowTracker(server.url, tmp_path).open_study(SPEC)
    trial = study.start_trial(0, SPEC.base_config())
    server.stop()
    with pytest.raises(Exception, match="API request to") as caught:
        trial.log_metrics({"fid": 1.0}, 96)
    assert is_outage(caught.value)
    assert failure_reason(caught.value) == schema.INTERRUPTED
    with pytest.raises(HarnessError, match=r"--tracking-uri: .*no server answers"):
        MlflowTracker(server.url, tmp_path)
