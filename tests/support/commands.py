"""The main job as a person runs it: commands in a fresh folder, then a look into both stores."""

import json
import os
import subprocess
import sys
from pathlib import Path

import optuna
from mlflow import MlflowClient

from tests.support.html_page import Page

# At learning rate 10 without batch normalization the losses overflow within a few steps.
STUDY = """
question = "Which slope survives <b>which</b> learning rate?"
[base]
dataset = "digits"
width = 0.0625
batch_size = 32
images = {images}
optimizer = "sgd"
normalization = "none"
[space]
learning_rate = {{ choices = [1e-3, 1e-2, 10.0] }}
leaky_slope = {{ choices = [0.1, 0.2] }}
[search]
num_trials = 4
reports = 3
[evaluation]
num_samples = 200
"""


def write_study(folder, name, images):
    (folder / "studies").mkdir(exist_ok=True)
    (folder / "studies" / f"{name}.toml").write_text(STUDY.format(images=images))


def command(*arguments):
    return [sys.executable, "-m", "harness.study", *arguments]


def environment(folder):
    """As a person has it: the tests' own log level would let TensorFlow chatter."""
    kept = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return {**kept, "HARNESS_MLRUNS": str(folder / "mlruns")}


def run(folder, *arguments):
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
    )


def stores(folder, name, storage=None, tracking=None):
    """The Optuna trials by number, and the MLflow trial runs by number."""
    opened = optuna.storages.RDBStorage(storage or f"sqlite:///{folder}/mlruns/optuna.db")
    trials = optuna.load_study(study_name=name, storage=opened).trials
    opened.remove_session()
    opened.engine.dispose()
    client = MlflowClient(tracking or f"sqlite:///{folder}/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'trial'")
    return (
        {trial.number: trial for trial in trials},
        {int(run.data.tags["trial_number"]): run for run in runs},
        client,
    )


def check_stores_agree(folder, name, metric="fid_late", **addresses):
    trials, runs, client = stores(folder, name, **addresses)
    assert sorted(trials) == sorted(runs)
    ends = {  # those of earlier versions have no tag
        "COMPLETE": [("FINISHED", "complete"), ("FINISHED", None)],
        "PRUNED": [("FINISHED", "pruned"), ("KILLED", None)],
        "FAIL": [("FAILED", "failed"), ("FAILED", None)],
    }
    parents = {run.data.tags["mlflow.parentRunId"] for run in runs.values()}
    assert len(parents) == 1
    for number, trial in trials.items():
        recorded = runs[number]
        ended = (recorded.info.status, recorded.data.tags.get("outcome"))
        assert ended in ends[trial.state.name]
        assert recorded.data.metrics["trial_number"] == number
        for field, value in trial.params.items():
            assert recorded.data.params[field] == str(value)
        if trial.state.name == "COMPLETE":
            assert recorded.data.metrics[metric] == trial.value
        for images_seen, value in trial.intermediate_values.items():
            history = client.get_metric_history(recorded.info.run_id, metric)
            assert value in [point.value for point in history if point.step == images_seen]
        assert recorded.data.tags.get("failure") == trial.user_attrs.get("failure")
    return trials, runs


def check_one_winner(folder, name, outcome, said=""):
    """Page, study.json, what the command printed as JSON and MLflow name the same winner.

    ``said``: what a person read in the terminal, if it was kept.
    """
    winner = outcome["winner"]
    summary = json.loads((folder / "reports" / name / "study.json").read_text())
    assert summary["winner"] == winner
    assert summary["answer"] == winner["words"]
    assert summary["best"]["number"] == outcome["best"]["trial"] == winner["trial"]
    for field, value in outcome["best"]["params"].items():
        assert summary["best"]["config"][field] == value
    _, runs, client = stores(folder, name)
    run = runs[winner["trial"]]
    parent = client.get_run(run.data.tags["mlflow.parentRunId"]).data.tags
    assert parent["winner"] == str(winner["trial"])
    assert parent["winner_alike"] == ", ".join(map(str, winner["alike"]))
    page = Page((folder / "reports" / name / "index.html").read_text())
    assert winner["words"] in page.text
    assert f"winner, trial {winner['trial']}" in page.text
    assert "Train it again" in page.text
    for field, value in outcome["best"]["params"].items():
        assert f"--set {field}={value}" in page.text
    captions = [text for text in page.captions if text.startswith("Winner")]
    assert len(captions) == 1
    assert f"trial {winner['trial']}," in captions[0]
    if said:
        assert f"winner:  {winner['words']}" in said


def children(pid):
    """The worker processes that ``pid`` has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = {int(child): Path(f"/proc/{child}/cmdline").read_text() for child in found}
    return [child for child, line in lines.items() if "spawn_main" in line]


def check_exact(folder, name, total, **addresses):
    """As many counted trials as wanted, all different, both stores telling the same."""
    trials, runs = check_stores_agree(folder, name, **addresses)
    counted = [t for t in trials.values() if t.user_attrs.get("failure") != "interrupted"]
    assert len(counted) == total
    assert len({tuple(trial.params.items()) for trial in counted}) == total
    assert all(trial.state.is_finished() for trial in trials.values())
    return trials, runs
