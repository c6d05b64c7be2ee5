"""A study with a real training loop and invented scores, on stores of the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from harness.core.schema import OUTCOME, RUN_STATUS, FinalState
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.search.study.open_study import open_study
from harness.search.study.storage import open_storage
from harness.search.trial.objective import Objective
from harness.search.trial.runner import FAILURES, TrialRunner
from harness.search.workers.trial_queue import TrialQueue
from harness.search.workers.worker import run_trials
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from tests.support.stub_worker import ignore

OUTAGE_SECONDS = float(os.environ.get("HARNESS_TEST_OUTAGE", "5"))
"""How long a server is away in the tests that stop one."""

SPEC = StudySpec.from_dict(
    {
        "question": "Does it survive?",
        "base": {"width": 0.0625, "images": 96, "batch_size": 16, "latent_dim": 4},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"num_trials": 3, "reports": 3, "pruner": "none"},
        "evaluation": {"num_samples": 100},
    },
    name="faulty",
)


class Scores:
    """Invents falling fid values; before each it runs what the test planned for that score."""

    def __init__(self, plan: dict[int, Callable[[], None]]) -> None:
        self.plan = dict(plan)
        self.count = 0

    def score(self, images: object) -> dict[str, float]:
        self.count += 1
        self.plan.get(self.count - 1, lambda: None)()
        return {"fid": 10.0 - self.count, "collapse_probability": 0.0}

    def nearest_training(self, images: object) -> None:
        return None


class BothStores:
    """Both stores of one study, and what they hold of it."""

    def __init__(self, storage_url: str, tracking_uri: str, artifacts: Path) -> None:
        self.storage = open_storage(storage_url)
        self.tracker = MlflowTracker(tracking_uri, artifacts)

    def run(self, plan: dict[int, Callable[[], None]], spec: StudySpec = SPEC) -> None:
        """Run the study to its end; ``plan``: number of the score -> what happens before it."""
        with open_study(spec, self.storage, self.tracker) as opened:
            scores = Scores(plan)
            runner = TrialRunner(spec, load_dataset("digits"), scores, opened.run, ignore, {})
            trial_queue = TrialQueue(opened, spec.search.num_trials)
            run_trials(trial_queue, Objective(runner), ignore, catch=FAILURES)

    def close(self) -> None:
        """Close the connections, before a server or a folder goes."""
        self.storage.remove_session()
        self.storage.engine.dispose()
        store = self.tracker._client._tracking_client.store
        if hasattr(store, "engine"):  # of a database, not of a server
            store.engine.dispose()

    def runs(self, spec: StudySpec = SPEC) -> list[Any]:
        """The runs of the study's trials."""
        client = self.tracker._client
        experiment = client.get_experiment_by_name(spec.name)
        return list(client.search_runs([experiment.experiment_id], "tags.kind = 'trial'"))

    def check_equal(self, spec: StudySpec = SPEC) -> list[optuna.trial.FrozenTrial]:
        """The trials, after both stores were found to say the same of them, all of them ended."""
        study = optuna.load_study(study_name=spec.name, storage=self.storage)
        runs = self.runs(spec)
        by_number = {int(run.data.tags["trial_number"]): run for run in runs}
        assert len(runs) == len(by_number) == len(study.trials)
        for trial in study.trials:
            run = by_number[trial.number]
            state = FinalState(trial.state.name)
            assert run.info.status == RUN_STATUS[state]
            assert run.data.tags["outcome"] == OUTCOME[state]
            assert run.data.tags.get("failure") == trial.user_attrs.get("failure")
            history = self.tracker._client.get_metric_history(run.info.run_id, "fid_late")
            assert {p.step: p.value for p in history} == trial.intermediate_values
        return study.trials


DECLARED = """
question = "Which slope?"
[base]
images = 1_000
batch_size = 16
[space]
leaky_slope = { low = 0.0, high = 0.4 }
[search]
num_trials = 1
"""


@pytest.fixture
def spec(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> StudySpec:
    """A study that commands find in the current folder as "slopes"; its stores are in mlruns/."""
    path = workspace / "studies" / "slopes.toml"
    path.parent.mkdir()
    path.write_text(DECLARED)
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    return StudySpec.load(path)


@pytest.fixture
def storage(layout: Layout) -> Iterator[optuna.storages.RDBStorage]:
    """Optuna's storage in mlruns/."""
    opened = open_storage(layout.storage_url)
    yield opened
    opened.remove_session()
    opened.engine.dispose()


@pytest.fixture
def stores(layout: Layout):
    """Stores in files."""
    made = BothStores(layout.storage_url, layout.tracking_uri, layout.artifact_root)
    yield made
    made.close()
