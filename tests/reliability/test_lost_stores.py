"""A store that was lost or is another one: said in one line, with the ways out, nothing begun."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from harness.core.errors import InputError
from harness.search.study.open_study import open_study
from harness.study import study
from harness.tracking.mlflow_tracker import MlflowTracker
from tests.support.memory_tracker import MemoryTracker
from tests.support.trials import add_trials
from tests.support.wrong_input import check_refusal, pass_door


def test_runs_of_a_storage_that_was_lost_are_not_numbered_again(spec, storage) -> None:
    tracker = MemoryTracker()
    run = tracker.open_study(spec)
    for number in range(7):
        run.start_trial(number, spec.base_config())
    run.finish("FINISHED")
    with pytest.raises(InputError, match=r"trials \(0, 1, 2, 3, 4, \.\.\.\) are not in") as caught:
        open_study(spec, storage, tracker)
    assert "optuna.db" in str(caught.value)
    assert "--study-name" in str(caught.value)
    assert optuna.get_all_study_names(storage) == []
    assert run.run_status == "FINISHED"


def test_a_storage_of_an_earlier_day_is_noticed_too(spec, storage) -> None:
    add_trials(spec, storage, TrialState.COMPLETE)
    tracker = MemoryTracker()
    run = tracker.open_study(spec)
    run.start_trial(0, spec.base_config())
    open_study(spec, storage, tracker)
    run.start_trial(1, spec.base_config())
    with pytest.raises(InputError, match=r"trials \(1\) are not in the storage"):
        open_study(spec, storage, tracker)


def test_trials_whose_runs_were_lost_are_not_continued(spec, storage) -> None:
    add_trials(spec, storage, TrialState.FAIL)
    open_study(spec, storage, MemoryTracker())  # it may have been interrupted before its run
    add_trials(spec, storage, TrialState.COMPLETE, TrialState.PRUNED)
    tracker = MemoryTracker()
    with pytest.raises(InputError, match=r"has 2 trials in .* but no runs in MLflow"):
        open_study(spec, storage, tracker)
    assert tracker.studies == {}


@pytest.mark.parametrize("number", ["1", "2"])
def test_the_door_says_that_the_tracking_store_is_gone(
    number, spec, storage, workspace: Path
) -> None:
    """For a study that is complete, and for one with trials to come."""
    add_trials(spec, storage, TrialState.COMPLETE)
    (workspace / "mlruns" / "mlflow.db").unlink()
    code, _, complaint = pass_door(study, "slopes", "--n-trials", number)
    check_refusal(code, complaint)
    for words in ("has 1 trials", "no runs in MLflow", "--study-name", "optuna delete-study"):
        assert words in complaint
    assert not (workspace / "mlruns" / "mlflow.db").exists()
    assert not (workspace / "reports").exists()


def test_the_door_says_that_the_runs_are_not_in_a_store_that_is_there(spec, storage) -> None:
    add_trials(spec, storage, TrialState.COMPLETE)
    code, _, complaint = pass_door(study, "slopes")
    check_refusal(code, complaint)
    assert "has 1 trials" in complaint
    assert "no runs in MLflow" in complaint


def test_a_name_that_another_study_has_in_other_letters_is_refused(spec, storage, layout) -> None:
    add_trials(spec, storage)
    other = spec.replace(name="Slopes")
    with pytest.raises(InputError, match=r"'Slopes': .*optuna.db has a study 'slopes'; take"):
        open_study(other, storage, MemoryTracker())
    assert optuna.get_all_study_names(storage) == ["slopes"]
    code, _, complaint = pass_door(study, "slopes", "--study-name", "SLOPES")
    check_refusal(code, complaint)
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    tracker.open_study(spec.replace(name="x_y"))
    for refuse in (tracker.trial_numbers, lambda name: tracker.open_study(spec.replace(name=name))):
        with pytest.raises(InputError, match="'X_Y': MLflow has a study 'x_y'"):
            refuse("X_Y")
    assert tracker.open_study(spec.replace(name="xzy")).run_id  # _ stands for itself alone
