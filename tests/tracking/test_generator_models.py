"""Generators among MLflow's models, and the winner in its registry."""

from __future__ import annotations

import os
import sqlite3
import warnings
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from harness.core.config import TrialConfig
from harness.core.errors import HarnessError
from harness.core.schema import FinalState
from harness.core.spec.study_spec import StudySpec
from harness.tracking import mlflow_tracker
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout

SPACE = {"leaky_slope": {"low": 0.0, "high": 0.4}}
SPEC = StudySpec.from_dict({"name": "slopes", "question": "Which slope?", "space": SPACE})
CONFIG = TrialConfig(leaky_slope=0.25, width=0.0625)
RECORD = {"multiplier": [[[1.0]]], "offset": [[[0.0]]], "label_shares": []}


@pytest.fixture
def tracker(layout: Layout) -> MlflowTracker:
    return MlflowTracker(layout.tracking_uri, layout.artifact_root)


@pytest.fixture
def client(layout: Layout) -> MlflowClient:
    return MlflowClient(layout.tracking_uri, registry_uri=layout.tracking_uri)


def record(tracker: MlflowTracker, folder: Path, number: int, content: bytes = b"weights") -> str:
    """The run id of a completed trial that has kept ``content`` as its generator."""
    local = folder / "saved.keras"
    local.write_bytes(content)
    with tracker.open_study(SPEC).start_trial(number, CONFIG) as run:
        run.log_dataset("digits", "ab" * 32, "scikit-learn")
        run.log_metrics({"fid_late": 3.0 - number, "fid": 2.5, "d_loss": 0.5}, 640)
        run.log_generator(local, RECORD)
        run.finish(FinalState.COMPLETE)
    return run.run_id


def test_a_trial_shows_its_data_and_its_model(
    tracker: MlflowTracker, client: MlflowClient, tmp_path: Path
) -> None:
    run = client.get_run(record(tracker, tmp_path, 0))
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("digits", ("ab" * 32)[:36])
    assert "scikit-learn" in data.dataset.source
    assert data.dataset.source.count("ab") >= 32  # the whole fingerprint
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert (model.name, model.source_run_id) == ("generator-t00", run.info.run_id)
    assert str(model.status) == "READY"
    assert model.params == {"trial_number": "0", "leaky_slope": "0.25"}
    assert {metric.key: metric.value for metric in model.metrics} == {"fid": 2.5, "fid_late": 3.0}
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]


def test_the_model_of_a_trial_takes_no_space(
    tracker: MlflowTracker, layout: Layout, tmp_path: Path
) -> None:
    record(tracker, tmp_path, 0, os.urandom(50_000))
    files = [path for path in layout.artifact_root.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["generator.json", "generator.keras"]


@pytest.mark.slow
def test_the_winner_is_loaded_by_its_alias(
    tracker: MlflowTracker, client: MlflowClient, layout: Layout, tmp_path: Path
) -> None:
    import keras
    import mlflow

    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    network.save(tmp_path / "made.keras")
    content = (tmp_path / "made.keras").read_bytes()
    run_id = record(tracker, tmp_path, 0, content)
    address = tracker.register_winner("slopes", 0, "**Trial 0** wins.")
    assert address == "models:/slopes-generator@winner"
    version = client.get_model_version_by_alias("slopes-generator", "winner")
    assert (version.run_id, version.description) == (run_id, "**Trial 0** wins.")
    names = {path.name for path in layout.artifact_root.rglob("models/*/artifacts/*")}
    assert names == {"MLmodel", "generator.keras", "generator.json"}  # nothing pickled
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(layout.tracking_uri)
    mlflow.set_registry_uri(layout.tracking_uri)
    try:
        loaded = mlflow.keras.load_model(address)
        with warnings.catch_warnings(action="ignore"):  # mlflow.pyfunc warns when it is imported
            served = mlflow.pyfunc.load_model(address)
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        os.environ.pop("MLFLOW_REGISTRY_URI", None)
    assert before[0] == mlflow.get_tracking_uri()
    latents = np.ones((2, 4), np.float32)
    expected = network.predict(latents, verbose=0)
    np.testing.assert_array_equal(loaded.predict(latents, verbose=0), expected)
    np.testing.assert_array_equal(served.predict(latents), expected)


def test_another_winner_is_another_version_and_the_same_one_is_not(
    tracker: MlflowTracker, client: MlflowClient, tmp_path: Path
) -> None:
    runs = [record(tracker, tmp_path, number) for number in range(2)]
    for number in (0, 0, 1, 0):
        tracker.register_winner("slopes", number, "")
        winner = client.get_model_version_by_alias("slopes-generator", "winner")
        assert winner.run_id == runs[number]
    versions = client.search_model_versions("name = 'slopes-generator'")
    assert {version.run_id: version.version for version in versions} == {runs[0]: 1, runs[1]: 2}


def test_what_was_cut_off_before_its_version_is_registered_by_the_next_try(
    tracker: MlflowTracker, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = record(tracker, tmp_path, 0)
    with monkeypatch.context() as cut:
        cut.setattr(MlflowClient, "create_model_version", lambda *a, **k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tracker.register_winner("slopes", 0, "")
    tracker.register_winner("slopes", 0, "")
    assert client.get_model_version_by_alias("slopes-generator", "winner").run_id == run_id
    assert len(client.search_logged_models([client.get_run(run_id).info.experiment_id])) == 1


def test_a_trial_without_a_generator_and_a_registry_that_refuses_are_one_line(
    tracker: MlflowTracker, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HarnessError, match="no study nosuch"):
        tracker.register_winner("nosuch", 0, "")
    with tracker.open_study(SPEC).start_trial(0, CONFIG) as run:
        run.finish(FinalState.COMPLETE)
    with pytest.raises(HarnessError, match=r"has kept no generator\.keras"):
        tracker.register_winner("slopes", 0, "")
    with pytest.raises(HarnessError, match="trial 5 has no run"):
        tracker.register_winner("slopes", 5, "")
    record(tracker, tmp_path, 1)
    elsewhere = record(tracker, tmp_path, 2)
    with sqlite3.connect(layout.root / "mlflow.db") as connection:
        where = (tmp_path / "secret" / elsewhere / "artifacts").as_uri()
        change = "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?"
        connection.execute(change, (where, elsewhere))
    connection.close()
    with pytest.raises(HarnessError, match="files of trial 2 are outside of"):
        tracker.register_winner("slopes", 2, "")

    def refuse(*_: object, **__: object) -> None:
        raise MlflowException("no registry here\nand more of that")

    monkeypatch.setattr(mlflow_tracker, "register_generator", refuse)
    with pytest.raises(HarnessError, match=r"^no registry here$"):
        tracker.register_winner("slopes", 1, "")
