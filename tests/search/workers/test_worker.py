"""A session from the first look at the stores to the last: what is begun, and what is closed."""

from __future__ import annotations

from collections.abc import Iterator

import optuna
import pytest
from mlflow import MlflowClient

from harness.core.errors import InputError
from harness.core.interruption import interruption
from harness.core.schema import StudyAttribute
from harness.core.spec.study_spec import StudySpec
from harness.search.plan import StudyPlan
from harness.search.run import run_study
from harness.search.study.storage import open_storage
from harness.search.trial import setup
from harness.search.workers.executors import Job, WorkerExit
from harness.search.workers.worker import serve
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from tests.support.no_training import train_nothing
from tests.support.stub_worker import ignore

SPEC = StudySpec.from_dict(
    {
        "question": "Which slope?",
        "base": {"width": 0.0625, "images": 32, "batch_size": 16, "latent_dim": 4},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"num_trials": 1, "reports": 1, "pruner": "none"},
        "evaluation": {"num_samples": 100},
    },
    name="slopes",
)


@pytest.fixture
def plan(layout: Layout) -> StudyPlan:
    return StudyPlan(SPEC, layout, layout.storage_url, layout.tracking_uri)


@pytest.fixture
def storage(plan: StudyPlan) -> Iterator[optuna.storages.RDBStorage]:
    opened = open_storage(plan.storage_url)
    yield opened
    opened.remove_session()
    opened.engine.dispose()


def test_a_study_that_mlflow_refuses_is_not_begun(
    plan: StudyPlan, storage: optuna.storages.RDBStorage
) -> None:
    tracker = MlflowTracker(plan.tracking_uri, plan.layout.artifact_root)
    deleted = tracker.open_study(SPEC).experiment_id
    MlflowClient(plan.tracking_uri).delete_experiment(deleted)
    with pytest.raises(InputError, match="was deleted in MLflow"):
        run_study(plan, ignore)
    assert optuna.get_all_study_names(storage) == []


def test_what_a_killed_session_left_open_is_closed_though_no_trial_is_left(
    plan: StudyPlan, storage: optuna.storages.RDBStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_nothing(monkeypatch)
    assert run_study(plan, ignore).complete
    study = optuna.load_study(study_name=SPEC.name, storage=storage)
    assert study.user_attrs[StudyAttribute.OPEN] is False
    parent = MlflowTracker(plan.tracking_uri, plan.layout.artifact_root).open_study(SPEC)
    killed = study.ask()
    trial = parent.start_trial(killed.number, SPEC.base_config())
    study.tell(killed, state=optuna.trial.TrialState.FAIL)
    study.set_user_attr(StudyAttribute.OPEN, True)
    assert run_study(plan, ignore).ran == 0
    client = MlflowClient(plan.tracking_uri)
    statuses = [client.get_run(run.run_id).info.status for run in (parent, trial)]
    assert statuses == ["FINISHED", "FAILED"]
    assert study.user_attrs[StudyAttribute.OPEN] is False


def test_an_interruption_that_c_code_turned_into_another_error_ends_the_studys_run_as_killed(
    plan: StudyPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process, and in a worker; and what is interrupted before the study is open is so."""
    client = MlflowClient(plan.tracking_uri)

    def interrupted(*_: object, **__: object) -> None:
        monkeypatch.setattr(interruption, "requested", True)
        raise SystemError("bad argument to internal function")

    for function in ("prepare_runner", "load_study_dataset"):
        monkeypatch.setattr(setup, function, interrupted)
        for end in (
            lambda: run_study(plan, ignore).interrupted,
            lambda: serve(Job(plan, 1, 0), ignore) == WorkerExit(interrupted=True),
        ):
            monkeypatch.setattr(interruption, "requested", False)
            assert end()
            experiment = client.get_experiment_by_name(SPEC.name).experiment_id
            (run,) = client.search_runs([experiment])
            assert run.info.status == "KILLED"
