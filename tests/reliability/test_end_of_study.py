"""A study whose report cannot be written: its trials are safe, and one line tells the way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from optuna.trial import TrialState

from harness.cli import options
from harness.core.schema import FinalState
from harness.report import report
from harness.reporting.pages import recorded
from harness.study import study
from harness.tracking.mlflow_tracker import MlflowTracker
from tests.support.trials import add_trials
from tests.support.wrong_input import check_line, pass_door


@pytest.fixture(autouse=True)
def complete(spec, storage, layout) -> None:
    """The study "slopes" is complete in both stores, and nothing was reported yet."""
    add_trials(spec, storage, TrialState.COMPLETE)
    run = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(spec)
    with run.start_trial(0, spec.base_config()) as trial:
        trial.log_metrics({"fid": 3.0}, 1_000)
        trial.finish(FinalState.COMPLETE)
    run.finish("FINISHED")


def check_told(code: int, complaint: str, reason: str) -> None:
    assert code == 1
    check_line(complaint)
    assert complaint.startswith("error: reports/slopes: ")
    assert reason in complaint
    assert "the trials are safe" in complaint
    assert "python -m harness.report slopes --output reports/slopes" in complaint


def test_without_space_the_study_ends_with_one_line(workspace: Path, monkeypatch) -> None:
    def full(path: Path, *arguments: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recorded, "write_report", lambda results, folder, force: full(folder))
        code, said, complaint = pass_door(study, "slopes", "--json")
    errors = [line for line in complaint.splitlines() if line.startswith("error: ")]
    check_told(code, "\n".join(errors) + "\n", "No space left on device")
    outcome = json.loads(said)
    assert (outcome["done"], outcome["report"]) == (1, None)


def test_a_file_in_the_place_of_the_reports_is_told_and_the_command_named_works(
    workspace: Path, layout
) -> None:
    (workspace / "reports").write_text("in the way")
    uri = layout.tracking_uri.replace("mlflow.db", "../mlruns/mlflow.db")
    code, said, complaint = pass_door(study, "slopes", "--tracking-uri", uri)
    check_told(code, complaint, "")
    assert complaint.rstrip().endswith(f"--tracking-uri {uri}")
    assert "1 of 1 trials" in said
    assert "report:" not in said
    (workspace / "reports").unlink()
    assert pass_door(report, "slopes", "--output", "reports/slopes")[0] == 0
    assert (workspace / "reports" / "slopes" / "index.html").exists()
    assert pass_door(study, "slopes")[0] == 0


@pytest.mark.slow
def test_the_page_of_claims_is_told_too(workspace: Path, monkeypatch, spec) -> None:
    (workspace / "studies" / "slopes.toml").rename(workspace / "studies" / "kept.toml")
    folder = workspace / "studies" / "claims"
    folder.mkdir()
    (folder / "slopes.toml").write_text((workspace / "studies" / "kept.toml").read_text())
    (workspace / "reports").mkdir()
    (workspace / "reports" / "claims").write_text("in the way")
    code, said, complaint = pass_door(study, "claims")
    assert code == 1
    check_line(complaint)
    assert "python -m harness.report claims --output reports/claims" in complaint
    assert "claims:  not written" in said


def test_a_password_in_the_address_is_not_shown() -> None:
    uri = "postgresql+psycopg://user:secret@127.0.0.1/mlflow"
    error = OSError(30, "Read-only file system")
    line = recorded.not_written(error, "slopes", options.REPORTS / "slopes", uri)
    assert "secret" not in line
    assert "postgresql+psycopg://user:***@127.0.0.1/mlflow" in line
