"""Runs that dead workers left, and what Optuna says of their trials."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from harness.core.config import TrialConfig
from harness.core.schema import OUTCOME, RUN_STATUS, FinalState
from harness.core.spec.study_spec import StudySpec
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.reconcile import (
    INTERRUPTED_ENDING,
    Ending,
    RecordedRun,
    disagreeing,
    reconcile_study,
    recorded_studies,
)
from harness.tracking.stores.layout import Layout

SPEC = StudySpec(name="slopes", question="Which slope?")


@pytest.mark.parametrize("state", FinalState)
def test_a_run_that_agrees_is_left_alone(state: FinalState) -> None:
    run = RecordedRun("a", 0, RUN_STATUS[state], tags={"outcome": OUTCOME[state]})
    assert disagreeing([run], {0: Ending(state)}) == []


@pytest.mark.parametrize(
    ("state", "status"), [("COMPLETE", "FINISHED"), ("PRUNED", "KILLED"), ("FAIL", "FAILED")]
)
def test_a_run_of_before_that_agrees_is_left_alone(state: str, status: str) -> None:
    run = RecordedRun("a", 0, status, tags={"kind": "trial"})
    assert disagreeing([run], {0: Ending(FinalState(state))}) == []


def test_a_trial_that_was_pruned_is_not_complete_in_mlflow() -> None:
    run = RecordedRun("a", 0, "FINISHED", tags={"outcome": "complete", "pruned_by": "pruner"})
    pruned = Ending(FinalState.PRUNED, {"pruned_by": "pruner"})
    assert disagreeing([run], {0: pruned}) == [(run, pruned)]


def test_a_run_ends_as_its_trial_did_and_a_running_trial_keeps_its_run() -> None:
    runs = [RecordedRun("a", 0, "RUNNING"), RecordedRun("b", 1, "RUNNING")]
    pruned = Ending(FinalState.PRUNED, {"pruned_by": "pruner"})
    assert disagreeing(runs, {0: pruned, 1: None}) == [(runs[0], pruned)]


def test_a_trial_that_was_cut_off_after_its_run_had_ended_is_cut_off_in_both() -> None:
    run = RecordedRun("a", 0, "FINISHED")
    assert disagreeing([run], {0: INTERRUPTED_ENDING}) == [(run, INTERRUPTED_ENDING)]


def test_a_trial_that_was_cut_off_after_its_run_had_failed_is_cut_off_in_both() -> None:
    own = RecordedRun("a", 0, "FAILED", tags={"failure": "d_loss is not finite", "kind": "trial"})
    cut = RecordedRun("b", 1, "FAILED", tags={"failure": "interrupted", "kind": "trial"})
    assert disagreeing([own, cut], {0: INTERRUPTED_ENDING, 1: INTERRUPTED_ENDING}) == [
        (own, INTERRUPTED_ENDING)
    ]


def test_a_run_that_no_trial_knows_is_only_kept_from_running_for_ever() -> None:
    left, done = RecordedRun("a", 0, "RUNNING"), RecordedRun("b", 1, "FINISHED")
    assert disagreeing([left, done], {}) == [(left, INTERRUPTED_ENDING)]


def test_runs_of_an_earlier_search_with_the_same_numbers_keep_their_ends() -> None:
    earlier = RecordedRun("a", 0, "FINISHED")
    left = RecordedRun("b", 0, "RUNNING")
    now = RecordedRun("c", 0, "RUNNING")
    assert disagreeing([earlier, left, now], {0: None}) == [(left, INTERRUPTED_ENDING)]


def test_a_store_is_settled_once_and_stays_so(layout: Layout) -> None:
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    study.start_trial(0, TrialConfig()).finish(FinalState.COMPLETE)
    cut = study.start_trial(1, TrialConfig())
    ends = {0: Ending(FinalState.COMPLETE), 1: INTERRUPTED_ENDING}
    (recorded,) = recorded_studies(layout.tracking_uri)
    assert recorded.name == "slopes"
    assert recorded.open_parents == (study.run_id,)
    assert [(run.number, run.status) for run in recorded.runs] == [(0, "FINISHED"), (1, "RUNNING")]
    assert reconcile_study(layout.tracking_uri, recorded, ends) == [1]
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    run = client.get_run(cut.run_id)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", "interrupted")
    assert client.get_run(study.run_id).info.status == "KILLED"
    (again,) = recorded_studies(layout.tracking_uri)
    assert again.open_parents == ()
    assert reconcile_study(layout.tracking_uri, again, ends) == []


def test_a_run_whose_process_was_killed_before_its_parameters_gets_them(layout: Layout) -> None:
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    tags = {"kind": "trial", "trial_number": "0", "mlflow.parentRunId": study.run_id}
    bare = client.create_run(study.experiment_id, tags=tags).info.run_id
    config = TrialConfig(leaky_slope=0.1)
    ends = {0: Ending(INTERRUPTED_ENDING.state, INTERRUPTED_ENDING.tags, config)}
    assert study.reconcile(lambda: ends) == [0]
    run = client.get_run(bare)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", "interrupted")
    fields = {name: str(value) for name, value in config.to_dict().items()}
    assert run.data.params == {**fields, "config_id": config.config_id}
    assert run.data.metrics == {"trial_number": 0.0}
    assert study.reconcile(lambda: ends) == []
