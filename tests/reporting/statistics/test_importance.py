"""PED-ANOVA importance: shares, their difference, and a reason where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from harness.reporting.statistics import importance as module
from harness.reporting.statistics.importance import (
    ENOUGH_BEYOND,
    MAX_SHUFFLES,
    MIN_TRIALS,
    Shuffled,
    importance,
    importance_difference,
)
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


def random_values(n: int, seed: int = 0) -> list[builder.RunRecord]:
    """Runs whose scores have nothing to do with their fields."""
    rng = np.random.default_rng([n, seed])
    return [
        builder.record(
            number,
            fid=float(rng.gamma(4, 5)),
            config={
                "optimizer": str(rng.choice(builder.SPACE["optimizer"]["choices"])),
                "learning_rate": float(10 ** rng.uniform(-5, -2)),
                "leaky_slope": float(rng.uniform(0, 0.4)),
                "pixel_scaling": str(rng.choice(["centered", "unit"])),
            },
        )
        for number in range(n)
    ]


def test_a_field_that_decides_stands_out_of_shuffled_outcomes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_SHUFFLES", 2_000)
    found = importance_difference(
        builder.results(_decided_by_learning_rate(100)), "learning_rate", ["leaky_slope"]
    )
    assert isinstance(found, Shuffled)
    # Of 100 trials, shuffling hardly ever chooses ten with rates as alike as the ten best.
    assert len(found.shuffled) == 2_000
    assert found.above(0.0) < 0.001
    assert found.interval(0.01)[0] > 0


def test_shuffling_ends_where_chance_gives_as_much() -> None:
    results = builder.results(random_values(40))
    found = importance_difference(results, "leaky_slope", ["learning_rate"])
    assert isinstance(found, Shuffled)
    beyond = min((found.shuffled >= found.effect).sum(), (found.shuffled <= found.effect).sum())
    assert beyond >= ENOUGH_BEYOND
    assert len(found.shuffled) < MAX_SHUFFLES
    assert found.above(0.0) > ENOUGH_BEYOND / MAX_SHUFFLES
    # Both tails count the outcomes that lie as far out, the observed one included.
    p = (1 + (found.shuffled >= found.effect - 1e-12).sum()) / (1 + len(found.shuffled))
    assert found.above(0.0) == p


@pytest.mark.slow
def test_p_values_of_chance_alone_are_uniform() -> None:
    # 60 searches whose scores are noise: as many p-values below 1/4 as a binomial allows, with
    # three standard deviations: 15 +- 10. The two fields are alike, so both tails are tried.
    p = []
    for seed in range(60):
        results = builder.results(random_values(15, seed), builder.spec())
        found = importance_difference(results, "leaky_slope", ["learning_rate"])
        assert isinstance(found, Shuffled)
        p += [found.above(0.0)]
    assert 5 <= sum(one < 0.25 for one in p) <= 25
    assert 5 <= sum(one > 0.75 for one in p) <= 25


def test_the_same_runs_give_the_same_shuffled_outcomes() -> None:
    first, second = (
        importance_difference(builder.results(random_values(20)), "leaky_slope", ["optimizer"])
        for _ in range(2)
    )
    assert isinstance(first, Shuffled)
    assert isinstance(second, Shuffled)
    np.testing.assert_array_equal(first.shuffled, second.shuffled)
