"""A trial that was cut off ends, in another process's hands, as if it had never been."""

from __future__ import annotations

import random

import numpy as np
import optuna
import pytest

from harness.core.errors import DivergedError
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.search.display.events import Message, TrialTrained
from harness.search.study.space import distributions
from harness.search.study.trials import requeue_interrupted
from harness.search.trial.objective import Objective
from harness.search.trial.runner import FAILURES, TrialRunner
from harness.training import checkpoint, loop
from tests.support.memory_tracker import MemoryTracker
from tests.support.trials import run_next_trial

SPEC = StudySpec.from_dict(
    {
        "question": "?",
        "base": {"width": 0.0625, "images": 192, "batch_size": 16, "latent_dim": 4},
        "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
        "search": {"num_trials": 1, "reports": 3, "pruner": "none"},
        "evaluation": {"num_samples": 100},
    },
    name="s",
)
STEPS = 12
slow = pytest.mark.slow


class MeanEvaluator:
    """Scores that any changed pixel changes; raises what ``failures`` has for the n-th call."""

    def __init__(self, failures=None):
        self.failures = failures or {}
        self.calls = 0

    def score(self, images):
        self.calls += 1
        if error := self.failures.get(self.calls):
            raise error
        weights = np.arange(1, images.size + 1, dtype=np.float64)
        fid = float((images.ravel() * weights).sum() / weights.sum())
        return {"fid": fid, "collapse_probability": 0.0}

    def nearest_training(self, images):
        return None


class Kill:
    """A listener that interrupts the trial at one of its compiled calls; keeps the messages."""

    def __init__(self, at=None):
        self.at = at
        self.calls = 0
        self.said = []

    def __call__(self, event):
        if isinstance(event, Message):
            self.said.append(event.text)
        if isinstance(event, TrialTrained):
            self.calls += 1
            if self.calls == self.at:
                raise KeyboardInterrupt


@pytest.fixture(autouse=True, scope="module")
def save_always():
    """Every call takes a step, and a checkpoint is written after each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "MAX_CALL_SECONDS", 1e-9)
        patch.setattr(loop, "FIRST_CALL_STEPS", 1)
        patch.setattr(checkpoint, "MAX_SHARE", float("inf"))
        patch.setattr(checkpoint, "BETWEEN_SECONDS", 0.0)
        yield


class Copy(Kill):
    """A listener that interrupts nothing, and copies the checkpoint in ``folder`` at the 7th call.

    place: of the checkpoint in ``folder``.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def __call__(self, event):
        super().__call__(event)
        if isinstance(event, TrialTrained) and self.calls == 7:
            (path,) = self.folder.rglob("*.npz")
            self.place, self.content = path.relative_to(self.folder), path.read_bytes()


class Session:
    """A study that is run, interrupted and run again, with the same stores and folder."""

    def __init__(self, folder, pruner=None):
        self.folder = folder
        self.study = optuna.create_study(
            sampler=optuna.samplers.RandomSampler(seed=1),
            pruner=pruner or optuna.pruners.NopPruner(),
        )
        self.tracker = MemoryTracker().open_study(SPEC)

    def run(self, listener=None, evaluator=None, spec=SPEC, catch=FAILURES, environment=None):
        """Run one trial, a retry if one is due; whether it was interrupted."""
        requeue_interrupted(self.study, ["leaky_slope"])
        self.listener = listener or Kill()
        runner = TrialRunner(
            spec,
            load_dataset("digits"),
            evaluator or MeanEvaluator(),
            self.tracker,
            self.listener,
            environment or {},
            self.folder,
        )
        try:
            run_next_trial(self.study, distributions(spec), Objective(runner), catch)
        except KeyboardInterrupt:
            return True
        return False

    @property
    def checkpoints(self):
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    session = Session(folder)
    assert session.run(Copy(folder)) is False
    return session


def check_same(session, undisturbed):
    """The last trial of ``session`` is, bit for bit, the one that nobody disturbed."""
    trial, expected = session.study.trials[-1], undisturbed.study.trials[-1]
    assert trial.state == expected.state
    assert trial.params == expected.params
    assert trial.value == expected.value
    assert trial.intermediate_values == expected.intermediate_values
    assert trial.user_attrs["scores"] == expected.user_attrs["scores"]
    run, expected_run = session.tracker.trials[-1], undisturbed.tracker.trials[-1]
    assert run.run_status == "FINISHED"
    assert "resumed_under" not in run.tags
    for name in ("fid", *loop.STEP_METRICS):
        assert run.metrics[name] == expected_run.metrics[name]
    pictures = [path for path in expected_run.artifacts if path.endswith(".png")]
    assert len(pictures) == 4  # a grid for each report, and the way between latent vectors
    for path in pictures:
        assert run.artifacts[path] == expected_run.artifacts[path]
    assert session.checkpoints == []


# In the middle, at a random step, before the first checkpoint, after the last step and before the
# last score.
@pytest.mark.parametrize("at", [6, *(pytest.param(at, marks=slow) for at in ("random", 1, STEPS))])
def test_a_trial_that_was_interrupted_ends_bit_for_bit(at, tmp_path, undisturbed):
    at = random.randrange(2, STEPS) if at == "random" else at
    print(f"interrupted at step {at}")
    session = Session(tmp_path)
    assert session.run(Kill(at)) is True
    assert len(session.checkpoints) == (at > 1)
    assert session.run() is False
    assert session.listener.calls == STEPS - (at - 1)
    check_same(session, undisturbed)


@slow
def test_a_trial_resumed_with_other_threads_is_resumed_and_marked(tmp_path):
    environments = [{"cpu": "some", "threads": {"intra_op": count}} for count in (2, 1)]
    session = Session(tmp_path)
    assert session.run(Kill(6), environment=environments[0]) is True
    assert session.run(environment=environments[1]) is False
    assert session.listener.calls == STEPS - 5  # nothing was trained again
    said = [text for text in session.listener.said if "conditions (threads)" in text]
    assert len(said) == 1
    first, retried = session.tracker.trials
    assert (retried.tags["resumed_at"], retried.tags["resumed_under"]) == ("80", "threads")
    assert "resumed_under" not in first.tags


@slow
def test_a_trial_may_be_interrupted_many_times(tmp_path, undisturbed):
    session = Session(tmp_path)
    interrupted = [session.run(Kill(4)) for _ in range(3)]
    assert interrupted == [True] * 3
    assert session.run() is False
    check_same(session, undisturbed)
    states = [run.run_status for run in session.tracker.trials]
    assert states == ["FAILED"] * 3 + ["FINISHED"]


@slow
def test_a_resumed_trial_says_where_it_went_on_and_counts_the_time_before(tmp_path):
    session = Session(tmp_path)
    session.run(evaluator=MeanEvaluator({3: KeyboardInterrupt()}))
    before = session.tracker.trials[0].metrics
    session.run()
    assert any("resuming at 192 images" in text for text in session.listener.said)
    run = session.tracker.trials[1]
    assert run.tags["resumed_at"] == "192"
    assert run.tags["retry_of"] == "0"
    assert "resumed_at" not in session.tracker.trials[0].tags
    assert session.listener.calls == 0  # every step was taken before
    assert run.metrics["train_seconds"] == before["train_seconds"]
    (wall,) = run.metrics["wall_seconds"]
    assert wall[1] > run.metrics["train_seconds"][0][1]
    assert run.metrics["eval_seconds"][0][1] > 0


@slow
def test_a_milestone_that_was_passed_is_not_pruned_by_hindsight(tmp_path):
    class PruneFromNowOn(optuna.pruners.BasePruner):
        asked = ()

        def prune(self, study, trial):
            self.asked = (*self.asked, trial.last_step)
            return trial.number == 1

    pruner = PruneFromNowOn()
    session = Session(tmp_path, pruner)
    session.run(Kill(6))
    session.run()
    assert pruner.asked == (64, 64, 128)  # it was asked again, for its own books
    run = session.tracker.trials[1]
    assert (run.run_status, run.tags["outcome"]) == ("FINISHED", "pruned")
    assert [step for step, _ in run.metrics["fid"]] == [64, 128]
    assert session.checkpoints == []


@slow
def test_the_alarm_remembers_the_milestones_before(tmp_path):
    spec = SPEC.replace(search=SPEC.search.__class__(reports=8, pruner="none", collapse_alarm=True))

    class Collapsed(MeanEvaluator):
        def score(self, images):
            return {**super().score(images), "collapse_probability": 1.0}

    session = Session(tmp_path)
    # Up at 168, the third report in the second half: they come every 24 images, none between them,
    # since half of 24 is less than a step. The first was the killed process's.
    session.run(Kill(9), Collapsed(), spec)
    evaluator = Collapsed()
    session.run(evaluator=evaluator, spec=spec)
    assert session.tracker.trials[1].tags["pruned_by"] == "collapse"
    steps = [step for step, _ in session.tracker.trials[1].metrics["fid"]]
    assert steps == [24, 48, 72, 96, 120, 144, 168]
    assert evaluator.calls == 2


@slow
def test_a_trial_that_diverged_leaves_no_checkpoint(tmp_path):
    session = Session(tmp_path)
    session.run(evaluator=MeanEvaluator({2: DivergedError("g_loss", 128)}))
    assert session.tracker.trials[0].run_status == "FAILED"
    assert session.checkpoints == []


@pytest.mark.parametrize("damage", [pytest.param("cut", marks=slow), "altered"])
def test_a_damaged_checkpoint_is_set_aside_and_the_trial_starts_over(damage, tmp_path, undisturbed):
    session = Session(tmp_path)
    path = tmp_path / undisturbed.listener.place
    path.parent.mkdir()
    content = bytearray(undisturbed.listener.content)
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content[: len(content) // 3] if damage == "cut" else content)
    session.run()
    assert session.listener.calls == STEPS
    said = [text for text in session.listener.said if "checkpoint not used" in text]
    assert len(said) == 1
    assert "starting over" in said[0]
    (aside,) = tmp_path.rglob("*.refused")
    assert str(aside) in said[0]
    aside.unlink()
    aside.parent.rmdir()
    assert "resumed_at" not in session.tracker.trials[0].tags
    check_same(session, undisturbed)


@slow
def test_a_full_disk_costs_the_checkpoint_and_not_the_trial(tmp_path, undisturbed, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.data.record_file.np.savez", full)
    session = Session(tmp_path)
    session.run()
    assert "no checkpoint of this trial: No space left on device" in session.listener.said
    check_same(session, undisturbed)
