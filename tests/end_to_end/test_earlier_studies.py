"""Studies of version 0.1.0 before its files moved: they open, resume and report as they did.

``earlier_studies.tar.xz`` holds mlruns/ (without generators and most images), the study files, and
the reports' tables as that version wrote them. ``earlier`` is a search that was killed in its last
trial, with a diverged, a pruned and a confirmed trial; ``earlier_arms`` compares two arms.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from harness.core.config import ADDED, TrialConfig
from harness.data.digits import load_digits
from harness.diagnostics.relocation import find_misplaced, relocate
from harness.reporting.pages.study import write_report
from harness.reporting.results.load import load_results
from harness.reporting.results.tables import param_column
from harness.study import study
from harness.tracking.stores.layout import Layout
from tests.support.commands import check_one_winner, check_stores_agree, stores
from tests.support.no_training import train_nothing
from tests.support.wrong_input import pass_door

ARCHIVE = Path(__file__).with_name("earlier_studies.tar.xz")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the runs, their files noted at their new place, as after a move."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    layout = Layout(tmp_path / "mlruns")
    database = layout.root / "mlflow.db"
    assert relocate(database, find_misplaced(database, layout.artifact_root)) > 20
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["earlier", "earlier_arms"])
def test_the_report_has_the_figures_that_it_had(folder: Path, name: str) -> None:
    results = load_results(Layout(folder / "mlruns").tracking_uri, name)
    write_report(results, folder / "now")
    before, now = folder / "reports" / name, folder / "now"
    table = pd.read_csv(now / "runs.csv")
    added = pd.DataFrame({name: table.pop(param_column(name)) for name in ADDED}).dropna()
    for new in ("reused_from", "trains"):
        assert table.pop(new).isna().all()
    pd.testing.assert_frame_equal(table, pd.read_csv(before / "runs.csv"), check_exact=True)
    assert len(added) > 5
    assert (added == pd.Series(ADDED)).all(axis=None)
    old, new = (json.loads((at / "study.json").read_text()) for at in (before, now))
    assert {name: new["best"]["config"].pop(name) for name in ADDED} == ADDED
    assert new.pop("unreadable") == []
    assert new.pop("run_on") == ["2026-11-24"] * 2
    assert new.pop("thumbnail") is None  # images would have made the recorded stores large
    winner = new.pop("winner")
    if name == "earlier":  # the winner is named beside the one that it cannot be told apart from
        assert (winner["trial"], winner["alike"]) == (old["best"]["number"], [1])
        assert new.pop("answer") == winner["words"]
        assert old.pop("answer").startswith("Trial 4 is the best of 2 confirmed configurations")
    else:
        assert winner is None
    assert new.pop("runs") == sum(old["counts"][end] for end in ("complete", "pruned", "failed"))
    assert new["importance"].pop("shares") == pytest.approx(old["importance"].pop("shares"))
    for summary in (old, new):  # verdicts follow other rules now; their runs are the same
        summary["tests"] = [test["runs"] for test in summary["tests"]]
        summary.pop("answer", None)
    for test in old["study"]["claim"].get("tests", []):
        test["kind"] = "comparison"
    check_same(old.pop("study"), new.pop("study"))  # which has fields more
    assert new == old
    assert (now / "index.html").stat().st_size > 100_000


def check_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    """All that was there is there, and equal."""
    for name, value in old.items():
        if isinstance(value, dict):
            check_same(value, new[name])
        elif name == "tests":
            for one, other in zip(value, new[name], strict=True):
                check_same(one, other)
        else:
            assert new[name] == value, name


def command(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    """``python -m harness.study`` in ``folder``: exit code, stdout, stderr."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HARNESS_MLRUNS", str(folder / "mlruns"))
    return pass_door(study, *arguments)


def outcome_of(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """What ``python -m harness.study --json`` prints for these arguments in ``folder``."""
    code, printed, complaint = command(folder, monkeypatch, *arguments, "--json")
    assert code == 0, complaint
    found: dict[str, Any] = json.loads(printed)
    return found


def one_image(config: TrialConfig, count: int) -> np.ndarray:
    """The same digit ``count`` times: a trial that does not win, so that the winners stay."""
    return np.repeat(load_digits().x_train[1:2], count, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("trained", [False, True])
def test_an_interrupted_trial_is_retried_and_the_study_completed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, trained: bool
) -> None:
    """By the same command; its worker ran on another machine and has no heartbeat any more.

    The alarm stopped trials then unless told not to; today it does if told so.
    """
    if not trained:
        train_nothing(monkeypatch, one_image)
    file = folder / "studies" / "earlier.toml"
    declared = file.read_text()
    code, _, complaint = command(folder, monkeypatch, "earlier", "--n-trials", "11")
    assert (code, "began with another [search] collapse_alarm: True" in complaint) == (2, True)
    file.write_text(declared.replace("[search]\n", "[search]\ncollapse_alarm = true\n"))
    outcome = outcome_of(folder, monkeypatch, "earlier", "--n-trials", "11")
    assert (outcome["done"], outcome["total"], outcome["ran"]) == (11, 11, 1)
    assert outcome["states"]["INTERRUPTED"] == 1
    assert (outcome["confirmation"]["done"], outcome["confirmation"]["ran"]) == (4, 0)
    trials, runs = check_stores_agree(folder, "earlier", "fid")
    assert (trials[10].state, trials[10].user_attrs["failure"]) == (
        optuna.trial.TrialState.FAIL,
        "interrupted",
    )
    assert trials[11].params == trials[10].params
    assert trials[11].user_attrs["retry_of"] == 10
    assert runs[11].data.tags["retry_of"] == "10"
    page = (folder / "reports" / "earlier" / "index.html").read_text()
    assert "11 trials of 11 planned" in page
    check_one_winner(folder, "earlier", outcome)


def test_arms_that_are_complete_stay_complete(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = outcome_of(folder, monkeypatch, "earlier_arms", "--no-report")
    assert (outcome["done"], outcome["ran"]) == (6, 0)
    assert {arm: len(values) for arm, values in outcome["arms"].items()} == {
        "centered": 3,
        "unit": 3,
    }


@pytest.mark.slow
def test_seeds_are_added_to_arms_of_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three seeds each become five, the first look's number."""
    arguments = ("earlier_arms", "--until-decided", "--max-seeds", "5", "--workers", "1")
    code, said, complaint = command(folder, monkeypatch, *arguments, "--no-report")
    assert code == 0, complaint
    assert "earlier_arms (C1): centered 3 to 5 seeds, unit 3 to 5 seeds" in said
    trials, runs, _ = stores(folder, "earlier_arms")
    assert len(trials) == len(runs) == 10
    assert len({(trial.params["arm"], trial.params["seed"]) for trial in trials.values()}) == 10
