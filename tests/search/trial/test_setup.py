"""What a study writes of itself before its first trial."""

import json

import numpy as np
import pytest
from PIL import Image

from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.data.scaling_effects import describe_scalings
from harness.search.plan import StudyPlan
from harness.search.trial.setup import (
    load_study_dataset,
    log_study_files,
    prepare_evaluator,
    prepare_runner,
)
from harness.tracking.stores.layout import Layout
from tests.support.memory_tracker import MemoryTracker
from tests.support.stub_worker import ignore

DIGITS = load_dataset("digits")


def files(tmp_path, **tables):
    spec = StudySpec.from_dict({"question": "?", "evaluation": {"num_samples": 100}, **tables})
    study = MemoryTracker().open_study(spec)
    log_study_files(prepare_runner(spec, DIGITS, study, ignore, Layout(tmp_path)))
    return study.artifacts


@pytest.mark.parametrize(
    "tables",
    [
        {"space": {"pixel_scaling": {"choices": ["centered", "unit"]}}},
        {"arms": {"a": {"pixel_scaling": "maxabs"}, "b": {"pixel_scaling": "unit"}}},
    ],
)
def test_a_study_of_scalings_says_what_each_does_to_the_pixels(tables, tmp_path):
    written = json.loads(files(tmp_path, **tables)["pixels.json"])
    assert written == describe_scalings(DIGITS.x_train, DIGITS.x_test)


def test_another_study_does_not(tmp_path):
    written = files(tmp_path, space={"leaky_slope": {"low": 0.0, "high": 0.4}})
    assert "pixels.json" not in written
    assert {"study.json", "evaluation.json", "environment.json", "samples/real.png"} <= set(written)


@pytest.mark.parametrize(
    ("tables", "explained"),
    [
        ({"base": {"conditional": "labels"}}, True),
        ({"space": {"conditional": {"choices": ["none", "labels"]}}}, True),
        ({"arms": {"a": {}, "b": {"conditional": "labels"}}}, True),
        ({"arms": {"a": {}, "b": {"leaky_slope": 0.1}}}, False),
        ({}, False),
    ],
)
def test_what_labelled_images_are_worth_is_explained_where_a_trial_has_labels(
    tables, explained, tmp_path
):
    spec = StudySpec.from_dict({"question": "?", "evaluation": {"num_samples": 100}, **tables})
    evaluator = prepare_evaluator(spec, DIGITS, tmp_path, ignore)
    assert evaluator.labelled == explained


def test_images_of_one_class_are_searched_by_what_needs_no_classes(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(60):
        pixels = rng.integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")

    def loaded(metric):
        direction = "maximize" if metric == "modes_captured" else "minimize"
        declared = {"base": {"dataset": str(folder)}, "search": {direction: metric}}
        spec = StudySpec.from_dict({"name": "own", "question": "?", **declared})
        return load_study_dataset(StudyPlan(spec, Layout(tmp_path / "mlruns"), "", ""), ignore)

    assert loaded("fid_late").class_fault
    assert loaded("fid").class_fault
    with pytest.raises(InputError, match="modes_captured needs classes"):
        loaded("modes_captured")
