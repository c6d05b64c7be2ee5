"""Ranking, picks, counts, importance and correlations, against values found by hand or by scipy."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from scipy.stats import spearmanr

from harness.reporting.statistics.ranking import (
    MIN_TRIALS_FOR_IMPORTANCE,
    counts,
    importance,
    loss_correlations,
    picks,
    ranking,
)
from tests.support import reports as builder

MAXIMIZE = builder.spec(search={"maximize": "modes_captured"})


def test_only_completed_trials_are_ranked_the_lowest_first() -> None:
    runs = [
        builder.record(0, fid=30.0),
        builder.record(1, "pruned", fid=1.0),
        builder.record(2, "failed", fid=2.0),
        builder.record(3, "interrupted", fid=3.0),
        builder.record(4, fid=10.0),
        builder.record(5, fid=None, kid=0.1),
        builder.record(6, "running", fid=4.0),
    ]
    ranked = ranking(builder.results(runs))
    assert list(ranked["number"]) == [4, 0]
    assert list(ranked["rank"]) == [1, 2]


def test_ties_keep_the_order_of_trial_numbers_in_either_direction() -> None:
    runs = [builder.record(n, modes_captured=m) for n, m in ((2, 9.0), (0, 7.0), (1, 9.0))]
    assert list(ranking(builder.results(runs, MAXIMIZE))["number"]) == [1, 2, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {}),
        ([5.0], {"best": 0}),
        ([5.0, 4.0], {"best": 1, "worst": 0}),
        ([5.0, 4.0, 9.0], {"best": 1, "median": 0, "worst": 2}),
        ([4.0, 1.0, 2.0, 3.0], {"best": 1, "median": 2, "worst": 0}),
    ],
)
def test_best_median_and_worst_are_different_trials(
    values: list[float], expected: dict[str, int]
) -> None:
    found = picks(builder.results([builder.record(n, fid=v) for n, v in enumerate(values)]))
    assert {word: row["number"] for word, row in found.items()} == expected


def test_counts_name_every_outcome() -> None:
    outcomes = ["complete", "complete", "pruned", "failed", "interrupted"]
    runs = [builder.record(n, outcome) for n, outcome in enumerate(outcomes)]
    assert counts(builder.results(runs)) == {
        "complete": 2,
        "pruned": 1,
        "failed": 1,
        "interrupted": 1,
        "running": 0,
    }


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
        (_decided_by_learning_rate(MIN_TRIALS_FOR_IMPORTANCE - 1), builder.SPACE, "there are 9"),
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


def test_correlation_of_the_losses_is_spearmans() -> None:
    rng = np.random.default_rng(1)
    fid, loss = rng.normal(50, 5, 12).round(), rng.normal(1, 0.2, 12).round(1)  # with ties
    runs = [
        builder.record(n, fid=float(f), g_loss=float(g))
        for n, (f, g) in enumerate(zip(fid, loss, strict=True))
    ]
    rho, n = loss_correlations(builder.results(runs))["g_loss"]
    # Rounding alone parts the two computations: 1e-12 of a value at most 1.
    assert rho == pytest.approx(spearmanr(fid, loss).statistic, abs=1e-12)
    assert n == 12


def test_correlation_needs_trials_and_values_that_differ() -> None:
    few = [builder.record(n, fid=float(n), g_loss=float(n)) for n in range(4)]
    same = [builder.record(n, fid=float(n), g_loss=1.0) for n in range(9)]
    assert loss_correlations(builder.results(few)) == {}
    assert loss_correlations(builder.results(same)) == {}
