"""PED-ANOVA importance: shares, their difference, and a reason where there are none."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from harness.reporting.statistics.importance import MIN_TRIALS, importance
from tests.support import reports as builder


def _decided_by_learning_rate(n: int, **changes: float) -> list[builder.RunRecord]:
    rng = np.random.default_rng(0)
    runs = []
    for number in range(n):
        config = {
            "optimizer": str(rng.choice(["adam", "sgd"])),
            "learning_rate": float(10 ** rng.uniform(-5, -2)),
            "leaky_slope": float(rng.uniform(0, 0.4)),
        }
        fid = 10 + 40 * abs(np.log10(config["learning_rate"]) + 3.5)
        runs.append(builder.record(number, fid=changes.get("fid", fid), config=config))
    return runs


def test_the_field_that_decides_the_score_has_the_largest_share() -> None:
    found = importance(builder.results(_decided_by_learning_rate(60)))
    assert next(iter(found.shares)) == "learning_rate"
    assert found.shares["learning_rate"] > 0.5
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert set(found.shares) == set(builder.SPACE)
    assert (found.num_trials, found.quantile) == (60, pytest.approx(0.1))


def test_with_few_trials_five_of_them_are_the_best_ones() -> None:
    assert importance(builder.results(_decided_by_learning_rate(20))).quantile == 5 / 20


@pytest.mark.parametrize(
    ("runs", "space", "reason"),
    [
        (_decided_by_learning_rate(MIN_TRIALS - 1), builder.SPACE, "there are 9"),
        (_decided_by_learning_rate(20, fid=3.0), builder.SPACE, "score the same"),
        (_decided_by_learning_rate(20), {}, "fewer than two fields"),
        ([], builder.SPACE, "there are 0"),
    ],
)
def test_no_importance_comes_with_a_reason(
    runs: list[builder.RunRecord], space: dict[str, object], reason: str
) -> None:
    found = importance(builder.results(runs, builder.spec(space)))
    assert found.shares == {}
    assert reason in found.reason


def test_trials_outside_a_space_that_was_changed_do_not_break_the_importance() -> None:
    space = {**builder.SPACE, "optimizer": {"choices": ["adam", "nadam"]}}
    found = importance(builder.results(_decided_by_learning_rate(60), builder.spec(space)))
    assert found.num_trials < 60
    assert found.shares


def test_importance_prints_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("optuna").propagate = True
    importance(builder.results(_decided_by_learning_rate(20)))
    assert caplog.records == []
