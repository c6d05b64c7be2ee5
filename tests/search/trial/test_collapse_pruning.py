"""A trial whose generator stays collapsed: pruned in both stores, by what, unless turned off."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from harness.core.schema import COLLAPSE_PROBABILITY, PRUNED_BY_COLLAPSE, PRUNED_BY_PRUNER
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.search.display.events import TrialFinished
from harness.search.study.space import distributions
from harness.search.trial.objective import Objective
from harness.search.trial.runner import TrialRunner
from tests.support.memory_tracker import MemoryTracker
from tests.support.no_training import train_nothing
from tests.support.trials import run_next_trial

NUM_REPORTS = 8


class Scores:
    """An evaluator that says the same of every generator."""

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def score(self, images: np.ndarray) -> dict[str, float]:
        return {"fid": 50.0, COLLAPSE_PROBABILITY: self.probability}

    def nearest_training(self, images: np.ndarray) -> None:
        return None


class Endings(list):
    """A listener that keeps how trials ended."""

    def __call__(self, event):
        if isinstance(event, TrialFinished):
            self.append(event)


class PruneAtOnce(optuna.pruners.BasePruner):
    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return True


def _run(monkeypatch: pytest.MonkeyPatch, probability: float, pruner: object, **search: object):
    """(the only trial in Optuna, in the tracker, as observed) of a study with these scores."""
    train_nothing(monkeypatch)
    declared = {
        "question": "?",
        "base": {"images": 600, "batch_size": 10},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"reports": NUM_REPORTS, "collapse_alarm": True, **search},
        "evaluation": {"num_samples": 100},
    }
    spec = StudySpec.from_dict(declared, name="s")
    tracked, ends = MemoryTracker().open_study(spec), Endings()
    runner = TrialRunner(spec, load_dataset("digits"), Scores(probability), tracked, ends, {})
    study = optuna.create_study(direction="minimize", pruner=pruner)
    run_next_trial(study, distributions(spec), Objective(runner))
    return study.trials[0], tracked.trials[0], ends[0]


def test_a_trial_that_stays_collapsed_is_pruned_by_collapse(monkeypatch) -> None:
    trial, run, end = _run(monkeypatch, 0.9, optuna.pruners.NopPruner())
    assert trial.state.name == "PRUNED"
    assert trial.user_attrs["pruned_by"] == run.tags["pruned_by"] == PRUNED_BY_COLLAPSE
    assert (run.run_status, run.tags["outcome"]) == ("FINISHED", "pruned")
    assert end.reason == PRUNED_BY_COLLAPSE
    # The report at 488 is a late one, which the rule does not count: 375, 450, 525 are its three.
    steps = [step for step, _ in run.metrics[COLLAPSE_PROBABILITY]]
    assert steps == [75, 150, 225, 300, 375, 450, 488, 525]
    assert max(trial.intermediate_values) == 525


def test_without_the_alarm_a_collapsed_trial_goes_on(monkeypatch) -> None:
    pruner = optuna.pruners.NopPruner()
    trial, run, _ = _run(monkeypatch, 0.9, pruner, collapse_alarm=False)
    assert trial.state.name == "COMPLETE"
    assert run.run_status == "FINISHED"
    assert len(run.metrics[COLLAPSE_PROBABILITY]) == NUM_REPORTS + 2  # still scored


def test_a_diverse_generator_is_left_alone(monkeypatch) -> None:
    trial, run, _ = _run(monkeypatch, 0.1, optuna.pruners.NopPruner())
    assert trial.state.name == "COMPLETE"
    assert "pruned_by" not in run.tags


def test_what_the_pruner_stops_is_not_put_on_the_alarm(monkeypatch) -> None:
    trial, run, _ = _run(monkeypatch, 0.9, PruneAtOnce())
    assert trial.user_attrs["pruned_by"] == run.tags["pruned_by"] == PRUNED_BY_PRUNER
