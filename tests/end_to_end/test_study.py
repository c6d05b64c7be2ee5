"""The main job as a person runs it: commands in a fresh folder, then a look into both stores.

Two workers run the study; in the second tier one process runs the same.
"""

import json
import os
import re
import signal
import subprocess

import numpy as np
import pytest

from harness.data.digits import load_digits
from harness.study import study
from tests.support.commands import (
    check_exact,
    check_stores_agree,
    command,
    environment,
    run,
    stores,
    write_study,
)
from tests.support.no_training import train_nothing
from tests.support.wrong_input import check_refusal, pass_door


@pytest.fixture(scope="module", params=[2, pytest.param(1, marks=pytest.mark.slow)])
def workers(request):
    """How many processes run the trials of the study."""
    return request.param


@pytest.fixture(scope="module")
def finished(tmp_path_factory, workers):
    """A folder in which the study has run once, to its end; and what it printed."""
    folder = tmp_path_factory.mktemp("workspace")
    write_study(folder, "tiny", 768)
    return folder, run(folder, "tiny", "--json", "--n-trials", "3", "--workers", str(workers))


def test_the_study_ends_with_its_outcome(finished):
    folder, result = finished
    assert result.returncode == 0, result.stderr
    outcome = json.loads(result.stdout)
    assert (outcome["done"], outcome["total"], outcome["ran"]) == (3, 3, 3)
    assert outcome["best"]["value"] == outcome["best"]["scores"]["fid_late"]
    assert outcome["untrained"]["fid"] > 0
    assert "Traceback" not in result.stderr
    assert "E0000" not in result.stderr  # TensorFlow's own chatter
    assert result.stderr.count("loading TensorFlow") == 1  # said once, not by each worker
    assert (folder / outcome["report"]).exists()


def test_both_stores_tell_the_same(finished, workers):
    folder, _ = finished
    trials, runs = check_exact(folder, "tiny", 3)
    assert len(trials) == 3
    assert len({trial.user_attrs["worker"] for trial in trials.values()}) == workers
    for number, recorded in runs.items():
        if trials[number].params["learning_rate"] == 10.0:
            assert recorded.info.status == "FAILED"
            assert re.search(r"not finite at [\d,]+ images", recorded.data.tags["failure"])
        else:
            assert recorded.data.metrics["wall_seconds"] >= recorded.data.metrics["train_seconds"]


def test_a_finished_trial_has_its_artifacts(finished):
    folder, _ = finished
    trials, runs, client = stores(folder, "tiny")
    done = next(n for n, trial in trials.items() if trial.state.name == "COMPLETE")
    paths = {item.path for item in client.list_artifacts(runs[done].info.run_id)}
    assert {"generator.keras", "config.json", "environment.json", "samples"} <= paths
    samples = client.list_artifacts(runs[done].info.run_id, "samples")
    assert [item.path for item in samples] == [
        f"samples/{seen:09d}.png" for seen in (256, 512, 768)
    ]


def test_the_report_names_every_trial_and_escapes_the_question(finished):
    folder, _ = finished
    page = (folder / "reports" / "tiny" / "index.html").read_text()
    assert "&lt;b&gt;which&lt;/b&gt;" in page
    assert "<b>which</b>" not in page
    assert "not finite" in page or all(
        trial.state.name != "FAIL" for trial in stores(folder, "tiny")[0].values()
    )
    assert (folder / "reports" / "tiny" / "runs.csv").read_text().count("\n") == 4


def test_the_same_command_again_says_complete(finished):
    folder, _ = finished
    before = os.times()
    result = run(folder, "tiny", "--n-trials", "3")
    after = os.times()
    assert result.returncode == 0
    assert "is complete" in result.stdout
    # User and system time of the command, which load leaves alone; it is about 8 seconds.
    assert sum(after[2:4]) - sum(before[2:4]) < 20
    assert len(stores(folder, "tiny")[0]) == 3


@pytest.mark.slow
def test_more_trials_go_on_without_repeating_and_stop_where_the_space_ends(finished):
    folder, _ = finished
    result = run(folder, "tiny", "--n-trials", "9")
    assert "6 configurations" in result.stdout
    assert result.returncode == 0
    trials, _ = check_stores_agree(folder, "tiny")
    assert len(trials) == 6
    assert len({tuple(trial.params.items()) for trial in trials.values()}) == 6


def run_until_first_score(folder, name, how):
    """Start the study, end it by the signal ``how`` once a trial was scored; code and output."""
    process = subprocess.Popen(
        command(name, "--n-trials", "3"),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.match(r"trial +\d+ +[\d,]+ images", line):
            process.send_signal(how)
            break
    rest, _ = process.communicate(timeout=120)
    return process.returncode, "".join(lines) + rest


def check_resumes(folder, name, stopped):
    """The same command again, from ``folder``, ends with 3 trials, the stopped one among them."""
    code, _, complaint = pass_door(study, name, "--n-trials", "3")
    assert code == 0, complaint
    trials, runs = check_stores_agree(folder, name)
    assert runs[stopped].info.status == "FAILED"
    assert runs[stopped].data.tags["failure"] == "interrupted"
    counted = [t for t in trials.values() if t.user_attrs.get("failure") != "interrupted"]
    assert len(counted) == 3
    assert len({tuple(trial.params.items()) for trial in counted}) == 3
    assert any(t.params == trials[stopped].params for t in counted)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_everything_and_the_total_comes_out_right(workspace, how, monkeypatch):
    write_study(workspace, "long", 3_840)
    code, output = run_until_first_score(workspace, "long", how)
    assert code == 130, output
    assert "Traceback" not in output
    trials, runs = check_stores_agree(workspace, "long")
    stopped = max(trials)
    assert runs[stopped].info.status == "FAILED"
    assert runs[stopped].data.tags["failure"] == "interrupted"

    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    code, _, complaint = pass_door(study, "long", "--n-trials", "3", "--set", "dropout=0.2")
    check_refusal(code, complaint)  # not the study that was begun
    check_resumes(workspace, "long", stopped)


@pytest.mark.slow
def test_after_kill_9_the_total_comes_out_right(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    write_study(workspace, "killed", 7_680)
    code, output = run_until_first_score(workspace, "killed", signal.SIGKILL)
    assert code == -signal.SIGKILL, output
    check_resumes(workspace, "killed", max(stores(workspace, "killed")[0]))


COLLAPSING = """
question = "Which learning rate collapses?"
[base]
dataset = "digits"
width = 0.0625
batch_size = 32
images = 256
optimizer = "sgd"
normalization = "none"
[space]
learning_rate = {{ choices = {rates} }}
[search]
pruner = "none"
reports = 8
collapse_alarm = true
[evaluation]
num_samples = 200
"""
UNTRAINED = 1e-8
"""Steps too small for a float32 weight: the generator keeps making the grey images it began with.

Their ``collapse_probability`` is 1.0 to the last digit at every report, on any processor.
"""


def check_stopped_as_collapsed(folder, number, trials, runs):
    """Trial ``number`` was stopped by the alarm, in both stores, and the page names no other."""
    assert trials[number].state.name == "PRUNED"
    assert trials[number].user_attrs["pruned_by"] == runs[number].data.tags["pruned_by"]
    assert runs[number].data.tags["pruned_by"] == "collapse"
    assert runs[number].data.metrics["collapse_probability"] >= 0.5
    page = (folder / "reports" / "collapsing" / "index.html").read_text()
    assert page.count("by collapse; collapsed (collapse_probability") == 1


@pytest.mark.slow
def test_a_collapsed_generator_is_stopped_and_named(tmp_path):
    (tmp_path / "studies").mkdir()
    text = COLLAPSING.format(rates=[UNTRAINED])
    (tmp_path / "studies" / "collapsing.toml").write_text(text)
    assert run(tmp_path, "collapsing").returncode == 1  # of all trials none is complete
    trials, runs = check_stores_agree(tmp_path, "collapsing")
    check_stopped_as_collapsed(tmp_path, 0, trials, runs)


@pytest.mark.slow
def test_a_collapsed_generator_is_stopped_and_named_and_a_good_one_is_not(workspace, monkeypatch):
    """Without training, for what a generator learns in 256 images nobody can promise."""
    good = 1e-3

    def images(config, count):
        one_image = 0 * np.arange(count)
        chosen = one_image if config.learning_rate == UNTRAINED else slice(count)
        return load_digits().x_train[chosen]

    train_nothing(monkeypatch, images)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    monkeypatch.chdir(workspace)
    (workspace / "collapsing.toml").write_text(COLLAPSING.format(rates=[UNTRAINED, good]))
    code, _, complaint = pass_door(study, "collapsing.toml", "--n-trials", "2")
    assert code == 0, complaint
    trials, runs = check_stores_agree(workspace, "collapsing")
    by_rate = {trial.params["learning_rate"]: number for number, trial in trials.items()}
    check_stopped_as_collapsed(workspace, by_rate[UNTRAINED], trials, runs)
    assert trials[by_rate[good]].state.name == "COMPLETE"
    assert runs[by_rate[good]].data.metrics["collapse_probability"] < 0.5
    assert "pruned_by" not in runs[by_rate[good]].data.tags
