"""Two prepared stores with a study of three trials, and a small data file, all to be damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import optuna
import pytest

from harness.core.config import TrialConfig
from harness.core.schema import STUDY_FILE, FinalState, Tag
from harness.core.spec.study_spec import StudySpec
from harness.search.study.open_study import open_study
from harness.search.study.storage import open_storage
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from tests.support.stores import copy_stores

SPEC = StudySpec.from_dict(
    {
        "question": "Which slope?",
        "base": {"width": 0.0625, "images": 96, "batch_size": 16, "latent_dim": 4},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"num_trials": 3, "reports": 3, "pruner": "none"},
        "evaluation": {"num_samples": 100},
    },
    name="slopes",
)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory, empty_stores: Layout) -> Layout:
    """A finished study in both stores, as a real one leaves it; only the training is left out."""
    layout = copy_stores(empty_stores, tmp_path_factory.mktemp("sound") / "mlruns")
    storage = open_storage(layout.storage_url)
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    with open_study(SPEC, storage, tracker) as opened:
        study, parent = opened.study, opened.run
        parent.log_json(STUDY_FILE, SPEC.to_dict())
        for number in range(3):
            trial = study.ask()
            slope = trial.suggest_float("leaky_slope", 0.0, 0.4)
            config = SPEC.base_config().replace(leaky_slope=slope)
            run = parent.start_trial(number, config)
            run.log_metrics({"fid": 3.0 - number, "d_loss": 0.7}, 96)
            trial.report(3.0 - number, 96)
            if number == 1:
                trial.set_user_attr(Tag.FAILURE, "d_loss is not finite")
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                run.finish(FinalState.FAIL, {Tag.FAILURE: "d_loss is not finite"})
            else:
                study.tell(trial, 3.0 - number)
                run.finish(FinalState.COMPLETE)
    storage.remove_session()
    storage.engine.dispose()
    assert TrialConfig.from_dict(run_params(study)) is not None
    return layout


def run_params(study: optuna.Study) -> dict[str, object]:
    """The configuration of the best trial."""
    return {**SPEC.base, **study.best_params}


@pytest.fixture(scope="session")
def copied(sound: Layout, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A folder for copies of the sound stores; a test writes them anew for every case."""
    return Layout(shutil.copytree(sound.root, tmp_path_factory.mktemp("copied") / "mlruns"))


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid ``.npz`` of four images in two classes."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    images, labels = np.zeros((4, 28, 28), np.uint8), np.arange(4) % 2
    np.savez_compressed(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path
