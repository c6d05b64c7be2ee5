"""Ranking, picks, counts and correlations, against values found by hand or by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from harness.reporting.statistics.ranking import loss_correlations, picks
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
    ranked = builder.results(runs).ranked
    assert list(ranked["number"]) == [4, 0]
    assert list(ranked["rank"]) == [1, 2]


def test_ties_keep_the_order_of_trial_numbers_in_either_direction() -> None:
    runs = [builder.record(n, modes_captured=m) for n, m in ((2, 9.0), (0, 7.0), (1, 9.0))]
    assert list(builder.results(runs, MAXIMIZE).ranked["number"]) == [1, 2, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {}),
        ([5.0], {"winner": 0}),
        ([5.0, 4.0], {"winner": 1, "worst": 0}),
        ([5.0, 4.0, 9.0], {"winner": 1, "median": 0, "worst": 2}),
        ([4.0, 1.0, 2.0, 3.0], {"winner": 1, "median": 2, "worst": 0}),
        ([4.0, 9.0, 3.9, 8.0, 4.1], {"winner": 2, "alike": 0, "median": 4, "worst": 1}),
    ],
)
def test_winner_median_and_worst_are_different_trials(
    values: list[float], expected: dict[str, int]
) -> None:
    found = picks(builder.results([builder.record(n, fid=v) for n, v in enumerate(values)]))
    assert {word: row["number"] for word, row in found.items()} == expected


def test_counts_name_every_outcome() -> None:
    outcomes = ["complete", "complete", "pruned", "failed", "interrupted"]
    runs = [builder.record(n, outcome) for n, outcome in enumerate(outcomes)]
    assert builder.results(runs).counts == {
        "complete": 2,
        "pruned": 1,
        "failed": 1,
        "interrupted": 1,
        "running": 0,
    }


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
