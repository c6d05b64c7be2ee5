"""A study with a [confirm] table: after the search its winner is run again, on seeds of its own."""

import json

import numpy as np
import pytest

from harness.study import study
from tests.support.commands import check_exact, check_one_winner, stores
from tests.support.no_training import train_nothing
from tests.support.scored_arms import ScoredArms
from tests.support.wrong_input import pass_door

STUDY = """
question = "Which slope?"
[base]
dataset = "digits"
architecture = "mlp"
width = 0.0625
batch_size = 32
images = 256
[space]
leaky_slope = { choices = [0.1, 0.2] }
[search]
num_trials = 2
reports = 1
pruner = "none"
[confirm]
top = 1
seeds = 2
[evaluation]
num_samples = 200
"""


def noise(config, count):
    """Other images for every slope and seed."""
    rng = np.random.default_rng(config.seed)
    return rng.integers(0, round(255 * config.leaky_slope), (count, 28, 28, 1), np.uint8)


@pytest.mark.parametrize("trained", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_winner_of_a_search_is_confirmed_on_fresh_seeds(workspace, monkeypatch, trained):
    if not trained:
        train_nothing(monkeypatch, noise)
    (workspace / "found.toml").write_text(STUDY)
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    code, said, complaint = pass_door(study, "found.toml", "--json")
    assert code == 0, complaint
    outcome = json.loads(said)
    confirmed = outcome["confirmation"]
    assert (outcome["name"], outcome["ran"]) == ("found", 2)
    assert (confirmed["name"], confirmed["ran"], confirmed["total"]) == ("found-confirm", 2, 2)

    trials, _ = check_exact(workspace, "found", 2)
    winner = min(trials.values(), key=lambda trial: trial.value)
    assert outcome["best"]["value"] == winner.value
    again, runs, _ = stores(workspace, "found-confirm")
    assert [trial.state.name for trial in again.values()] == ["COMPLETE"] * 2
    assert [run.data.metrics["fid_late"] for run in runs.values()] == [
        again[number].value for number in runs
    ]
    assert {run.data.params["leaky_slope"] for run in runs.values()} == {
        str(winner.params["leaky_slope"])
    }
    seeds = {run.data.params["seed"] for run in runs.values()}
    assert len(seeds) == 2
    assert "0" not in seeds  # the seed of the search
    assert (workspace / outcome["report"]).exists()
    check_one_winner(workspace, "found", outcome, complaint)
    assert outcome["winner"]["num_seeds"] == 2

    code, said, complaint = pass_door(study, "found.toml", "--json", "--no-report")
    assert code == 0, complaint
    assert [json.loads(said)["ran"], json.loads(said)["confirmation"]["ran"]] == [0, 0]
    assert sorted(stores(workspace, "found-confirm")[0]) == sorted(again)


@pytest.mark.slow
def test_seeds_are_added_until_the_winner_is_told_apart(workspace, monkeypatch):
    """Slope 0.2 wins the search by a hair; four fresh seeds tell that 0.1 is better, not three."""
    course = {
        0.1: [9.0, 9.1, 8.9, 9.0, 9.1],
        0.2: [8.9, 11.5, 13.0, 12.6, 12.4],
    }  # by seed, 0 first
    stub = ScoredArms(lambda config: course[config.leaky_slope][config.seed])
    stub.install(monkeypatch)
    declared = STUDY.replace("top = 1\nseeds = 2", "top = 2\nseeds = 2\nmax_seeds = 4")
    (workspace / "raced.toml").write_text(declared)
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    command = ("raced.toml", "--json", "--workers", "1", "--no-report")
    code, said, complaint = pass_door(study, *command)
    assert code == 0, complaint
    outcome = json.loads(said)
    assert (outcome["confirmation"]["ran"], outcome["confirmation"]["total"]) == (8, 8)
    assert set(stub.ended.values()) == {1}
    winner = outcome["winner"]
    assert (winner["alike"], winner["num_seeds"]) == ([], 4)
    code, said, complaint = pass_door(study, *command)
    assert code == 0, complaint
    assert json.loads(said)["confirmation"]["ran"] == 0
