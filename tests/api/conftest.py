"""Two recorded studies with small generators, made without training."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from harness import load
from harness.api.study import RecordedStudy
from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.schema import FinalState, Tag
from harness.core.spec.study_spec import StudySpec
from harness.data.generator_record import generator_record
from harness.data.load import load_dataset
from harness.models.layers.saving import with_layers_of_keras
from harness.models.networks import build_networks
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from tests.support.stores import copy_stores, made_once

BASE = {"width": 0.0625, "images": 640, "batch_size": 32, "pixel_scaling": "minmax"}
SPACE = {"leaky_slope": {"low": 0.0, "high": 0.4}}
INTERVAL = {"fid_debiased": 3.45, "fid_low": 3.0, "fid_high": 3.9}
SCORES = {"fid": 3.5, **INTERVAL, "kid": 0.02, "modes_captured": 9.0}


def record_study(layout: Layout, name: str, slopes: dict[float, float], **changes: object) -> None:
    """A study of one completed trial for each slope, which has that fid, and one that failed."""
    declared = {"name": name, "question": f"Which slope, {name}?", "base": BASE, "space": SPACE}
    spec = StudySpec.from_dict({**declared, "search": {"minimize": "fid"}})
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(spec)
    tracker.log_json(schema.STUDY_FILE, spec.to_dict())
    dataset = {"name": "digits", "fingerprint": "d" * 64, "source": "of a test"}
    tracker.log_json(
        schema.EVALUATION_FILE, {"dataset": dataset, "num_fake_samples": 100, **changes}
    )
    digits = load_dataset("digits")
    for number, (slope, fid) in enumerate(slopes.items()):
        config = spec.base_config().replace(leaky_slope=slope, seed=number)
        with tracker.start_trial(number, config) as run:
            run.log_metrics({**SCORES, "fid": fid}, 640)
            keep_generator(run, config, layout.root.parent)
            run.log_json(schema.GENERATOR_RECORD_FILE, generator_record(config, digits))
            run.finish(FinalState.COMPLETE)
    with tracker.start_trial(len(slopes), spec.base_config()) as run:
        run.finish(FinalState.FAIL, {Tag.FAILURE: "a test"})


def keep_generator(run: object, config: TrialConfig, folder: Path) -> None:
    path = folder / schema.GENERATOR_FILE
    with_layers_of_keras(build_networks(config, (28, 28, 1), 10).generator).save(path)
    run.log_file(schema.GENERATOR_FILE, path)
    keras.backend.clear_session()


@pytest.fixture(scope="session")
def stores(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, empty_stores: Layout
) -> Layout:
    def record(folder: Path) -> None:
        folder.mkdir()
        layout = copy_stores(empty_stores, folder / "mlruns")
        record_study(layout, "slopes", {0.1: 4.0, 0.2: 3.0})
        record_study(layout, "others", {0.3: 3.5})
        record_study(layout, "larger", {0.3: 3.5}, num_fake_samples=200)

    return Layout(made_once(request, tmp_path_factory, "api", record) / "mlruns")


@pytest.fixture
def study(stores: Layout) -> RecordedStudy:
    return load("slopes", stores.tracking_uri)
