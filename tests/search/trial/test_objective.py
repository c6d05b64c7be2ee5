"""One trial in every way in which it can end: both stores get the same state and reason."""

import io
import zipfile

import keras
import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from harness.core.errors import DivergedError
from harness.core.interruption import interruption
from harness.core.schema import TRAINING_VALUE_SCORES
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.search.display.events import TrialFinished
from harness.search.study.space import distributions
from harness.search.trial.objective import Objective
from harness.search.trial.runner import FAILURES, TrialRunner
from harness.tracking.image_grid import grid_png
from harness.training.loop import Trainer
from tests.support.memory_tracker import MemoryTracker
from tests.support.no_training import train_nothing
from tests.support.trials import run_next_trial

SPEC = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"width": 0.0625, "images": 96, "batch_size": 16, "latent_dim": 4},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"num_trials": 2, "reports": 3, "pruner": "none"},
        "evaluation": {"num_samples": 100},
    },
    name="s",
)


class ScriptedEvaluator:
    """Gives fid values from a list; an exception in the list is raised."""

    def __init__(self, *script):
        self.script = list(script)

    def score(self, images):
        assert images.shape == (100, 28, 28, 1)
        value = self.script.pop(0)
        if isinstance(value, BaseException):
            raise value
        return {"fid": value, "collapse_probability": 0.0}

    def fid(self, images):
        assert images.shape == (100, 28, 28, 1)
        return float(images.max())

    def nearest_training(self, images):
        return None


class PruneAt(optuna.pruners.BasePruner):
    def __init__(self, images_seen):
        self.images_seen = images_seen

    def prune(self, study, trial):
        return trial.last_step == self.images_seen


class Endings(list):
    """A listener that keeps how trials ended."""

    def __call__(self, event):
        if isinstance(event, TrialFinished):
            self.append(event)


def run_one(*script, pruner=None, catch=FAILURES, spec=SPEC):
    tracker = MemoryTracker().open_study(spec)
    ends = Endings()
    runner = TrialRunner(
        spec, load_dataset("digits"), ScriptedEvaluator(*script), tracker, ends, {"cpu": "x"}
    )
    study = optuna.create_study(pruner=pruner or optuna.pruners.NopPruner())
    try:
        run_next_trial(study, distributions(spec), Objective(runner), catch)
    finally:
        run_one.seen = study.trials[0], tracker.trials[0], ends[0]
    return run_one.seen


def test_a_complete_trial():
    trial, run, end = run_one(3.0, 2.0, 1.0)
    assert trial.state == TrialState.COMPLETE
    assert trial.value == 1.0
    assert trial.intermediate_values == {32: 3.0, 64: 2.0, 96: 1.0}
    last = {"fid": 1.0, "fid_late": 1.0, "collapse_probability": 0.0}
    assert trial.user_attrs["scores"] == last
    assert run.run_status == "FINISHED"
    assert run.metrics["fid"] == run.metrics["fid_late"] == [(32, 3.0), (64, 2.0), (96, 1.0)]
    assert "fid_late 1, fid of the last report 1" in run.tags["mlflow.note.content"]
    assert len(run.metrics["d_loss"]) == 3
    assert run.params["leaky_slope"] == str(trial.params["leaky_slope"])
    wall, train = run.metrics["wall_seconds"][-1][1], run.metrics["train_seconds"][-1][1]
    assert wall >= train > 0
    assert {"config.json", "environment.json", "generator.keras", "samples/000000096.png"} <= set(
        run.artifacts
    )
    assert (end.state, end.value, end.reason) == ("COMPLETE", 1.0, "")


FINE = StudySpec.from_dict(
    {
        **SPEC.to_dict(),
        "base": {**SPEC.base, "images": 256},
        "search": {"num_trials": 2, "reports": 4, "pruner": "none"},
    }
)


def test_the_value_is_the_mean_of_the_last_quarter_and_the_generator_that_of_the_last_report(
    monkeypatch,
):
    """Geometric means of what lies in the 64 images before each report, itself included."""
    train_nothing(monkeypatch)
    trial, run, end = run_one(64.0, 32.0, 16.0, 4.0, 1.0, 8.0, 2.0, spec=FINE)
    # 16 4 = 8^2, 16 4 1 = 4^3, 16 4 1 8 = 512 = 4.757^4, 4 1 8 2 = 64 = 2.828^4
    expected = {64: 64.0, 128: 32.0, 192: 16.0, 208: 8.0, 224: 4.0, 240: 512**0.25, 256: 64**0.25}
    assert trial.intermediate_values == pytest.approx(expected, rel=1e-12)
    assert trial.value == end.value == pytest.approx(64**0.25, rel=1e-12)
    assert dict(run.metrics["fid_late"]) == trial.intermediate_values
    assert [step for step, _ in run.metrics["fid_late_spread"]] == [208, 224, 240, 256]
    assert run.metrics["fid"][-1] == (256, 2.0)
    assert "fid_late 2.828, fid of the last report 2." in run.tags["mlflow.note.content"]


def test_a_study_that_minimizes_fid_is_scored_and_pruned_as_before(monkeypatch):
    train_nothing(monkeypatch)
    search = {**FINE.search.to_dict(), "minimize": "fid"}
    spec = StudySpec.from_dict({**FINE.to_dict(), "search": search})
    trial, run, _ = run_one(64.0, 32.0, 16.0, 8.0, spec=spec)
    assert trial.intermediate_values == {64: 64.0, 128: 32.0, 192: 16.0, 256: 8.0}
    assert trial.value == run.metrics["fid_late"][-1][1] == 8.0


def test_an_averaged_generator_is_scored_and_the_raw_ones_fid_stands_beside_it(monkeypatch):
    """The stand-in for the trained generator makes white images, 255, the average black ones."""
    train_nothing(monkeypatch)
    trial, run, _ = run_one(3.0, 2.0, 1.0, spec=SPEC.with_settings(["ema=0.1"]))
    assert run.params["ema"] == "0.1"
    assert run.metrics["fid"] == [(32, 3.0), (64, 2.0), (96, 1.0)]
    assert run.metrics["fid_raw"] == [(96, 255.0)]
    assert trial.user_attrs["scores"]["fid_raw"] == 255.0
    _, run, _ = run_one(3.0, 2.0, 1.0)
    assert "fid_raw" not in run.metrics


@pytest.mark.slow
def test_the_generator_that_is_saved_is_the_averaged_one(tmp_path):
    """It makes the images of the last grid, which are those that were scored."""
    spec = SPEC.with_settings(["ema=0.5", "leaky_slope=0.2", "pixel_scaling=unit"])
    _, run, _ = run_one(3.0, 2.0, 1.0, spec=spec)
    (tmp_path / "generator.keras").write_bytes(run.artifacts["generator.keras"])
    saved = keras.saving.load_model(tmp_path / "generator.keras")
    trainer = Trainer(spec.base_config(), load_dataset("digits"))
    list(trainer.run([32, 64, 96]))
    with trainer.trial_generator() as generator:
        averaged = generator.get_weights()
    raw = trainer.networks.generator.get_weights()
    for one, other in zip(saved.get_weights(), averaged, strict=True):
        assert np.array_equal(one, other)
    assert any(not np.array_equal(one, other) for one, other in zip(raw, averaged, strict=True))
    assert grid_png(trainer.generate(64)) == run.artifacts["samples/000000096.png"]


@pytest.mark.slow
def test_its_generator_loads_without_this_project():
    """A .keras file is a zip; its config.json names the module of every layer."""
    _, run, _ = run_one(3.0, 2.0, 1.0, spec=SPEC.with_settings(["convolution=transform"]))
    assert run.params["convolution"] == "transform"
    with zipfile.ZipFile(io.BytesIO(run.artifacts["generator.keras"])) as archive:
        config = archive.read("config.json").decode()
    assert "Conv2DTranspose" in config
    assert "harness" not in config
    assert "Transform" not in config


def test_a_pruned_trial_says_by_what_and_keeps_its_scores(monkeypatch):
    train_nothing(monkeypatch)
    trial, run, end = run_one(3.0, 2.0, pruner=PruneAt(64))
    assert trial.state == TrialState.PRUNED
    assert trial.user_attrs["pruned_by"] == "pruner"
    assert (run.run_status, run.tags["outcome"]) == ("FINISHED", "pruned")
    assert run.tags["pruned_by"] == "pruner"
    assert run.metrics["fid"] == [(32, 3.0), (64, 2.0)]
    assert "generator.keras" not in run.artifacts
    assert run.metrics["wall_seconds"][-1][1] > 0
    assert (end.state, end.value, end.reason) == ("PRUNED", None, "pruner")


def test_a_trial_at_its_end_is_complete_even_if_the_pruner_would_stop_it(monkeypatch):
    train_nothing(monkeypatch)
    trial, run, _ = run_one(3.0, 2.0, 1.0, pruner=PruneAt(96))
    assert trial.state == TrialState.COMPLETE
    assert run.run_status == "FINISHED"


def test_a_diverged_trial_fails_with_its_reason_and_the_study_goes_on(monkeypatch):
    train_nothing(monkeypatch)
    trial, run, end = run_one(3.0, DivergedError("g_loss", 48))
    assert trial.state == TrialState.FAIL
    assert trial.value is None
    assert run.run_status == "FAILED"
    assert run.tags["failure"] == "g_loss is not finite at 48 images seen"
    assert trial.user_attrs["failure"] == run.tags["failure"] == end.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyboardInterrupt(), "interrupted"), (RuntimeError("broken"), "RuntimeError: broken")],
)
def test_interruption_and_defects_leave_failed_runs_and_are_raised(error, reason, monkeypatch):
    train_nothing(monkeypatch)
    with pytest.raises(type(error)):
        run_one(3.0, error)
    trial, run, end = run_one.seen
    assert trial.state == TrialState.FAIL
    assert run.run_status == "FAILED"
    assert run.tags["failure"] == trial.user_attrs["failure"] == end.reason == reason


def test_an_interruption_that_c_code_turned_into_another_error_is_one(monkeypatch):
    train_nothing(monkeypatch)
    monkeypatch.setattr(interruption, "requested", True)
    with pytest.raises(KeyboardInterrupt), interruption.restored():  # as whoever runs trials does
        run_one(SystemError("bad argument to internal function"))  # a check would be raised later
    trial, run, end = run_one.seen
    assert trial.state == TrialState.FAIL
    assert run.tags["failure"] == trial.user_attrs["failure"] == end.reason == "interrupted"


CONDITIONAL = SPEC.replace(base={**SPEC.base, "conditional": "labels"})


@pytest.mark.slow
def test_images_with_labels_are_scored_once_at_the_end_by_what_they_are_worth():
    trial, run, _ = run_one(3.0, 2.0, 1.0, spec=CONDITIONAL)
    assert trial.state == TrialState.COMPLETE
    assert trial.value == 1.0
    scores = trial.user_attrs["scores"]
    for name in TRAINING_VALUE_SCORES:
        assert run.metrics[name] == [(96, scores[name])]
    gain = scores["generated_accuracy"] - scores["classic_accuracy"]
    assert scores["augmentation_gain"] == gain
    assert run.metrics["eval_seconds"][-1][1] > 0


def test_a_trial_that_is_stopped_is_not_asked_what_its_images_are_worth(monkeypatch):
    train_nothing(monkeypatch)
    _, run, _ = run_one(3.0, 2.0, pruner=PruneAt(64), spec=CONDITIONAL)
    assert not set(TRAINING_VALUE_SCORES) & set(run.metrics)
