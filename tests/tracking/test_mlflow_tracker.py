"""What is particular to MLflow; what holds for every tracker stands in the contract."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from PIL import Image

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.schema import TRAINING_METRICS, FinalState
from harness.core.spec.study_spec import StudySpec
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout

SPEC = StudySpec(name="slopes", question="Which slope?")
CONFIG = TrialConfig(images=640)


@pytest.fixture
def tracker(layout: Layout) -> MlflowTracker:
    return MlflowTracker(layout.tracking_uri, layout.artifact_root)


@pytest.fixture
def client(layout: Layout) -> MlflowClient:
    return MlflowClient(tracking_uri=layout.tracking_uri)


def test_a_report_of_metrics_is_one_write(tracker: MlflowTracker, monkeypatch) -> None:
    trial = tracker.open_study(SPEC).start_trial(0, CONFIG)
    calls = []
    genuine = MlflowClient.log_batch
    monkeypatch.setattr(
        MlflowClient, "log_batch", lambda *a, **k: (calls.append(k), genuine(*a, **k))
    )
    trial.log_metrics(dict.fromkeys(TRAINING_METRICS, 0.5), 128)
    assert [len(call["metrics"]) for call in calls] == [len(TRAINING_METRICS)]


def test_samples_are_images_through_which_the_ui_steps(
    tracker: MlflowTracker, client: MlflowClient, tmp_path: Path
) -> None:
    trial = tracker.open_study(SPEC).start_trial(0, CONFIG)
    grids = {step: np.full((30, 30), step % 256, np.uint8) for step in (128, 640)}
    for step, grid in grids.items():
        buffer = io.BytesIO()
        Image.fromarray(grid).save(buffer, "PNG")
        trial.log_samples(buffer.getvalue(), step)
    found = {}
    for file in client.list_artifacts(trial.run_id, "images"):
        key, word, step, *_ = Path(file.path).name.split("+")
        assert (key, word) == ("samples", "step")
        if file.path.endswith(".png"):  # beside each, a smaller copy for the card
            with Image.open(client.download_artifacts(trial.run_id, file.path, tmp_path)) as image:
                found[int(step)] = np.asarray(image)
    assert found.keys() == grids.keys()
    assert all((found[step] == grids[step]).all() for step in grids)
    assert client.get_run(trial.run_id).data.tags["mlflow.loggedImages"] == "True"


def test_another_process_finds_the_study(
    tracker: MlflowTracker, layout: Layout, client: MlflowClient
) -> None:
    first = tracker.open_study(SPEC)
    second = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    assert (second.run_id, second.experiment_id) == (first.run_id, first.experiment_id)
    names = [experiment.name for experiment in client.search_experiments()]
    assert sorted(names) == ["Default", SPEC.name]
    assert len(client.search_runs([first.experiment_id])) == 1


def test_artifacts_lie_below_the_root_and_nothing_in_the_working_folder(
    tracker: MlflowTracker, layout: Layout, client: MlflowClient, tmp_path: Path, monkeypatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    study = tracker.open_study(SPEC)
    study.log_text("notes/a.txt", "a")
    assert [f.path for f in client.list_artifacts(study.run_id, "notes")] == ["notes/a.txt"]
    assert client.get_run(study.run_id).info.artifact_uri.startswith(
        (layout.artifact_root / SPEC.name).as_uri()
    )
    assert list(elsewhere.iterdir()) == []


def test_a_trial_that_cannot_start_does_not_stay_running(
    tracker: MlflowTracker, client: MlflowClient, monkeypatch
) -> None:
    study = tracker.open_study(SPEC)
    genuine = MlflowClient.log_batch

    def refuse_params(self, run_id, metrics=(), params=(), tags=(), synchronous=None):
        if params:
            raise MlflowException("database is locked")
        return genuine(self, run_id, metrics, params, tags, synchronous)

    monkeypatch.setattr(MlflowClient, "log_batch", refuse_params)
    with pytest.raises(MlflowException, match="locked"):
        study.start_trial(0, CONFIG)
    [run] = client.search_runs([study.experiment_id], "tags.kind = 'trial'")
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"] == "MlflowException: database is locked"


def test_the_first_error_is_not_hidden_by_one_of_the_store(
    tracker: MlflowTracker, monkeypatch
) -> None:
    trial = tracker.open_study(SPEC).start_trial(0, CONFIG)

    def fail(*_: object, **__: object) -> None:
        raise MlflowException("disk full")

    monkeypatch.setattr(MlflowClient, "set_terminated", fail)
    with pytest.raises(KeyboardInterrupt) as caught, trial:
        raise KeyboardInterrupt
    assert "disk full" in caught.value.__notes__[0]


def test_source_is_named_without_a_path(tracker: MlflowTracker, client: MlflowClient) -> None:
    trial = tracker.open_study(SPEC).start_trial(0, CONFIG)
    trial.finish(FinalState.COMPLETE)
    run = client.get_run(trial.run_id)
    assert run.data.tags["mlflow.source.name"] == "gan-harness"
    assert run.data.tags["mlflow.user"] == run.info.user_id
    assert not [value for value in run.data.tags.values() if "/" in value]


def test_a_long_question_fits(tracker: MlflowTracker, client: MlflowClient) -> None:
    study = tracker.open_study(SPEC.replace(question="Why? " * 5_000))
    assert client.get_run(study.run_id).data.tags["mlflow.note.content"].startswith("Why? Why?")


def test_a_deleted_study_is_not_written_to(tracker: MlflowTracker, client: MlflowClient) -> None:
    study = tracker.open_study(SPEC)
    client.delete_experiment(study.experiment_id)
    with pytest.raises(InputError, match="was deleted in MLflow") as caught:
        tracker.open_study(SPEC)
    assert "\n" not in str(caught.value)


def test_global_state_of_mlflow_is_left_alone(tracker: MlflowTracker) -> None:
    import mlflow

    tracker.open_study(SPEC).start_trial(0, CONFIG).finish(FinalState.COMPLETE)
    assert not mlflow.tracking.is_tracking_uri_set()
    assert mlflow.active_run() is None


def test_the_store_stays_in_write_ahead_mode(tracker: MlflowTracker, layout: Layout) -> None:
    tracker.open_study(SPEC)
    with sqlite3.connect(layout.root / "mlflow.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
