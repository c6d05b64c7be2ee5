"""Reading from an MLflow server: the same tables as from its database, and its artifacts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.schema import FinalState
from harness.reporting.results import server as server_module
from harness.reporting.results.load import load_results
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from harness.tracking.ui.server import free_port, running_server
from tests.support import reports as builder

pytestmark = pytest.mark.slow


def test_a_server_gives_what_its_database_holds(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = builder.spec()
    port = free_port("127.0.0.1", None)
    with running_server(layout.tracking_uri, layout, "127.0.0.1", port) as server:
        study = MlflowTracker(server.url, tmp_path / "unused").open_study(spec)
        study.log_json(schema.STUDY_FILE, spec.to_dict())
        study.log_json(schema.EVALUATION_FILE, builder.EVALUATION)
        for number in range(3):
            with study.start_trial(number, TrialConfig()) as trial:
                for images_seen in (50_000, 100_000):
                    values = {"fid": 1e6 / images_seen + number, "g_loss": 0.5}
                    trial.log_metrics(values, images_seen)
                    trial.log_metrics({f"{schema.SYSTEM_METRICS}disk_usage": 1.0}, images_seen)
                trial.log_image(schema.sample_path(100_000), builder.png(number))
                trial.finish(FinalState.COMPLETE)
        monkeypatch.setattr(server_module, "_MOST_POINTS", 4)  # 6 are there: asked for in halves
        served, stored = load_results(server.url, "demo"), load_results(layout.tracking_uri, "demo")
        pd.testing.assert_frame_equal(served.trials, stored.trials)
        pd.testing.assert_frame_equal(served.history, stored.history)
        assert set(served.history["metric"]) == {"fid", "g_loss"}
        assert served.spec == spec
        assert served.evaluation == builder.EVALUATION
        missing = ("untrained.json (not recorded)", "environment.json (not recorded)")
        assert served.gaps == missing
        for number, run_id in enumerate(served.trials["run_id"]):
            assert served.grids.last(run_id) == builder.png(number)
        assert served.grids.real() is None
