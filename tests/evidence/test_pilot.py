"""The pilot of the budget: arms at the budget and twice as much, on the first seeds; signs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.core.config import TrialConfig
from harness.core.spec.study_spec import StudySpec
from harness.evidence.pilot import Effect, lines, pilot, pilot_study
from tests.evidence.test_until_decided import declare
from tests.support import reports as builder
from tests.support.scored_arms import ScoredArms
from tests.support.wrong_input import pass_door


def test_a_sign_that_changes_is_counted() -> None:
    spec = builder.arms_spec(tests=[builder.comparison_test(text="A test")])
    assert spec.claim is not None
    test = spec.claim.tests[0]
    pairs = [(0.1, 0.2), (0.1, -0.1), (math.nan, -0.1), (-0.1, -0.3)]
    said = lines([Effect("c01", test, pair) for pair in pairs])
    assert [line.startswith("sign changes") for line in said[1:-1]] == [False, True, False, False]
    assert said[2] == "sign changes    +0.100    -0.100  c01: A test"
    assert said[-1] == "1 of 4 signs change when the budget is doubled"


def test_the_budget_of_every_arm_is_doubled_and_the_seeds_are_the_first_ones() -> None:
    declared = {"base": {"seed": 5}, "arms": {"a": {}, "b": {"images": 300_000}}}
    spec = StudySpec.from_dict({"name": "c", "question": "?", **declared})
    study = pilot_study(spec, 2)
    assert study.arms is not None
    configs = study.arms.configs(study.base_config())
    assert [config.images for config in configs.values()] == [200_000, 600_000]
    assert (study.base_config().seed, study.arms.num_trials) == (5, 4)


@pytest.mark.slow
def test_the_command_trains_both_budgets_and_takes_the_runs_that_count(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fid(config: TrialConfig) -> float:
        """The slope 0.1 is the better one at the budget of 64 images, and worse at 128."""
        level = 10.0 if config.leaky_slope == 0.2 else 8.0 if config.images == 64 else 12.0
        return level + 0.01 * config.seed

    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HARNESS_MLRUNS", str(workspace / "mlruns"))
    declare(workspace, "two", "C2", (0.2, 0.1))
    stub = ScoredArms(fid)
    stub.install(monkeypatch)
    for _ in range(2):
        code, said, complaint = pass_door(pilot, "claims", "--workers", "1")
        assert code == 0, complaint
        assert "1 of 1 signs change when the budget is doubled" in said
        assert stub.ended.total() == 8
