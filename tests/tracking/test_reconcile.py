"""Runs that dead workers left, and what Optuna says of their trials."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from harness.core.config import TrialConfig
from harness.core.schema import RUN_STATUS, TrialState
from harness.core.spec.study_spec import StudySpec
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.reconcile import (
    CUT_OFF,
    Ended,
    RecordedRun,
    recorded_studies,
    settle_study,
    unsettled,
)
from harness.tracking.stores.layout import Layout

SPEC = StudySpec(name="slopes", question="Which slope?")


@pytest.mark.parametrize("state", TrialState)
def test_a_run_that_agrees_is_left_alone(state: TrialState) -> None:
    run = RecordedRun("a", 0, RUN_STATUS[state])
    assert unsettled([run], {0: Ended(state)}) == []


def test_a_run_ends_as_its_trial_did_and_a_running_trial_keeps_its_run() -> None:
    runs = [RecordedRun("a", 0, "RUNNING"), RecordedRun("b", 1, "RUNNING")]
    pruned = Ended(TrialState.PRUNED, {"pruned_by": "pruner"})
    assert unsettled(runs, {0: pruned, 1: None}) == [(runs[0], pruned)]


def test_a_trial_that_was_cut_off_after_its_run_had_ended_is_cut_off_in_both() -> None:
    run = RecordedRun("a", 0, "FINISHED")
    assert unsettled([run], {0: CUT_OFF}) == [(run, CUT_OFF)]


def test_a_trial_that_was_cut_off_after_its_run_had_failed_is_cut_off_in_both() -> None:
    own = RecordedRun("a", 0, "FAILED", tags={"failure": "d_loss is not finite", "kind": "trial"})
    cut = RecordedRun("b", 1, "FAILED", tags={"failure": "interrupted", "kind": "trial"})
    assert unsettled([own, cut], {0: CUT_OFF, 1: CUT_OFF}) == [(own, CUT_OFF)]


def test_a_run_that_no_trial_knows_is_only_kept_from_running_for_ever() -> None:
    left, done = RecordedRun("a", 0, "RUNNING"), RecordedRun("b", 1, "FINISHED")
    assert unsettled([left, done], {}) == [(left, CUT_OFF)]


def test_runs_of_an_earlier_search_with_the_same_numbers_keep_their_ends() -> None:
    earlier = RecordedRun("a", 0, "FINISHED")
    left = RecordedRun("b", 0, "RUNNING")
    now = RecordedRun("c", 0, "RUNNING")
    assert unsettled([earlier, left, now], {0: None}) == [(left, CUT_OFF)]


def test_a_store_is_settled_once_and_stays_so(layout: Layout) -> None:
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    study.start_trial(0, TrialConfig()).finish(TrialState.COMPLETE)
    cut = study.start_trial(1, TrialConfig())
    ends = {0: Ended(TrialState.COMPLETE), 1: CUT_OFF}
    (recorded,) = recorded_studies(layout.tracking_uri)
    assert recorded.name == "slopes"
    assert recorded.open_parents == (study.run_id,)
    assert [(run.number, run.status) for run in recorded.runs] == [(0, "FINISHED"), (1, "RUNNING")]
    assert settle_study(layout.tracking_uri, recorded, ends) == [1]
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    run = client.get_run(cut.run_id)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", "interrupted")
    assert client.get_run(study.run_id).info.status == "KILLED"
    (again,) = recorded_studies(layout.tracking_uri)
    assert again.open_parents == ()
    assert settle_study(layout.tracking_uri, again, ends) == []


def test_a_run_whose_process_was_killed_before_its_parameters_gets_them(layout: Layout) -> None:
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(SPEC)
    client = MlflowClient(tracking_uri=layout.tracking_uri)
    tags = {"kind": "trial", "trial_number": "0", "mlflow.parentRunId": study.run_id}
    bare = client.create_run(study.experiment_id, tags=tags).info.run_id
    config = TrialConfig(leaky_slope=0.1)
    ends = {0: Ended(CUT_OFF.state, CUT_OFF.tags, config)}
    assert study.settle(lambda: ends) == [0]
    run = client.get_run(bare)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", "interrupted")
    assert run.data.params == {name: str(value) for name, value in config.to_dict().items()}
    assert run.data.metrics == {"trial_number": 0.0}
    assert study.settle(lambda: ends) == []
