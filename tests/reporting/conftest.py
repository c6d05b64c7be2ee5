"""One MLflow store for all tests of reading, written as the producing half writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.core.spec.lookup import declared_study
from harness.reporting.results.tables import RunRecord
from harness.tracking.stores.layout import Layout
from tests.support import reports as builder
from tests.support.reports import Store
from tests.support.stores import copy_stores


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, empty_stores: Layout) -> Store:
    from mlflow.tracking import MlflowClient

    layout = copy_stores(empty_stores, tmp_path_factory.mktemp("reporting") / "mlruns")
    root, uri = layout.root, layout.tracking_uri
    client = MlflowClient(uri)
    runs = [
        builder.record(0, fid=[90.0, 30.0, 12.5], g_loss=1.5, modes_captured=9.0),
        builder.record(1, "pruned", fid=[200.0], tags={"pruned_by": "pruner"}),
        builder.record(2, "failed", fid=None),
        builder.record(3, "interrupted", fid=[80.0]),
        builder.record(4, fid=[70.0, 20.0], config={"optimizer": "sgd", "leaky_slope": 0.1}),
        builder.record(5, "running", fid=[60.0], tags={"retry_of": "3"}),
    ]
    spec = builder.spec()
    folder = root / "artifacts"
    parent = _study(client, folder, "demo")
    _log_json(client, parent, "study.json", {**spec.to_dict(), "resolved": {"images": 100_000}})
    _log_json(client, parent, "evaluation.json", builder.EVALUATION)
    _log_json(client, parent, "untrained.json", {"fid": 400.0, "kid": None})
    _log_json(client, parent, "environment.json", {"python": "3.11.9"})
    _log_image(client, parent, "samples/real.png", builder.png(99), root)
    for run in runs:
        run_id = _trial(client, parent, run)
        if run.number == 0:
            _log_image(client, run_id, "samples/000100000.png", builder.png(1), root)
            _log_image(client, run_id, "samples/000050000.png", builder.png(2), root)
    bare = _study(client, folder, "bare")
    for number in range(3):
        _trial(client, bare, builder.record(number))
    won = _study(client, folder, "won")
    _log_json(client, won, "study.json", builder.spec(confirm={"top": 1}).to_dict())
    _trial(client, won, builder.record(1, fid=4.0))
    again = _study(client, folder, "won-confirm")
    _log_json(client, again, "study.json", builder.arms_spec(("trial-001",)).to_dict())
    _log_json(client, again, "pixels.json", {"unit": {"low": 0, "high": None}})
    for run in builder.arms_runs(**{"trial-001": [5.0, 6.0]}):
        _trial(client, again, run)
    claim = _study(client, folder, "c01_centering")
    declared = declared_study("claims/c01_centering")
    _log_json(client, claim, "study.json", declared.to_dict())
    for run in builder.arms_runs(centered=[9.0, 8.0], unit=[8.5, 7.0]):
        _trial(client, claim, run)
    client.create_experiment("empty", (folder / "empty").as_uri())
    return Store(uri, spec, runs)


def _study(client: Any, folder: Path, name: str) -> str:
    experiment = client.create_experiment(name, (folder / name).as_uri())
    run = client.create_run(experiment, run_name=name, tags={"kind": "study", "study_name": name})
    return str(run.info.run_id)


def _trial(client: Any, parent: str, run: RunRecord) -> str:
    from mlflow.entities import Metric, Param

    experiment = client.get_run(parent).info.experiment_id
    tags = {"mlflow.parentRunId": parent, "trial_number": str(run.number), **run.tags}
    run_id = client.create_run(experiment, start_time=run.started, tags=tags).info.run_id
    history = {**run.history, "trial_number": [(0, float(run.number))]}
    client.log_batch(
        run_id,
        metrics=[
            Metric(name, value, run.started, step)
            for name, points in history.items()
            for step, value in points
        ],
        params=[Param(name, value) for name, value in run.params.items()],
    )
    if run.status != "RUNNING":
        client.set_terminated(run_id, run.status, end_time=run.ended)
    return str(run_id)


def _log_json(client: Any, run_id: str, path: str, values: object) -> None:
    client.log_text(run_id, json.dumps(values), path)


def _log_image(client: Any, run_id: str, path: str, content: bytes, scratch: Path) -> None:
    file = scratch / Path(path).name
    file.write_bytes(content)
    client.log_artifact(run_id, str(file), str(Path(path).parent))
