"""kill -9 in the middle of a trial, as a person or a scheduler does it to a real process."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import optuna
import pytest
from mlflow import MlflowClient

from tests.support.stores import copy_stores

SETTINGS = ["width=0.0625", "batch_size=32", "images=19200", "optimizer=adam"]
COMMAND = [sys.executable, "-m", "harness.trial", "quickstart", "--json"]
COMMAND += [word for setting in SETTINGS for word in ("--set", setting)]


def start(folder):
    return subprocess.Popen(
        COMMAND,
        cwd=folder,
        env={**os.environ, "HARNESS_MLRUNS": str(folder / "mlruns")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_to_its_end(folder):
    """What the command prints as JSON, and what it says."""
    process = start(folder)
    printed, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return json.loads(printed), said


def kill_after_a_checkpoint(folder):
    process = start(folder)
    while not list(folder.glob("mlruns/checkpoints/*/*.npz")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(random.uniform(0.0, 0.3))
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def trials_and_runs(folder):
    (name,) = optuna.get_all_study_names(f"sqlite:///{folder}/mlruns/optuna.db")
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/mlruns/optuna.db")
    client = MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name(name).experiment_id
    order = ["metrics.trial_number ASC"]
    runs = client.search_runs([experiment], "tags.kind = 'trial'", order_by=order)
    return study.trials, runs, client


@pytest.mark.slow
def test_a_killed_trial_ends_with_the_scores_of_an_undisturbed_one(tmp_path, empty_stores):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        copy_stores(empty_stores, folder / "mlruns")
    expected, _ = run_to_its_end(whole)
    kill_after_a_checkpoint(killed)
    found, said = run_to_its_end(killed)
    assert "resuming at" in said
    assert found == expected

    (undisturbed,), (whole_run,), whole_client = trials_and_runs(whole)
    (dead, retried), runs, client = trials_and_runs(killed)
    assert (dead.state.name, retried.state.name) == ("FAIL", "COMPLETE")
    assert retried.intermediate_values == undisturbed.intermediate_values
    assert [run.info.status for run in runs] == ["FAILED", "FINISHED"]
    assert runs[0].data.tags["failure"] == "interrupted"
    assert 0 < int(runs[1].data.tags["resumed_at"]) < 19_200
    points = client.get_metric_history(runs[1].info.run_id, "fid")
    before = whole_client.get_metric_history(whole_run.info.run_id, "fid")
    assert [(p.step, p.value) for p in points] == [(p.step, p.value) for p in before]
    grids = client.list_artifacts(runs[1].info.run_id, "samples")
    assert len(grids) == len(before) == len(undisturbed.intermediate_values)
    assert not (killed / "mlruns" / "checkpoints" / runs[1].data.tags["study_name"]).exists()
