"""The choice of a tuned value: the lowest level, failed runs lose, ties to the middle."""

from __future__ import annotations

import math

import pytest

from harness.core.spec.arms import Tuning
from harness.outcomes.tuning import choices, choose


@pytest.mark.parametrize(
    ("scores", "factor", "edge"),
    [
        # Geometric means 6, 4, 5: sqrt(4 * 9), sqrt(2 * 8), 5.
        ({0.333: [4, 9], 1: [2, 8], 3: [5, 5]}, 1, False),
        ({0.333: [4, 9], 1: [2, 18.01], 3: [7, 7]}, 0.333, True),
        ({0.333: [6, 6], 1: [5, 5], 3: [1, None]}, 1, False),  # a failed run loses
        ({0.333: [None, None], 1: [None, 1], 3: [None, 2]}, 1, False),
        ({0.333: [None] * 2, 1: [None] * 2, 3: [None] * 2}, 1, False),
        ({0.333: [5, 5], 1: [5, 5], 3: [5, 5]}, 1, False),
        ({0.333: [5, 5], 1: [6, 6], 3: [5, 5]}, 0.333, True),  # as near to the middle: the lower
        ({1: [0, 3], 3: [1, 1]}, 1, True),
    ],
)
def test_the_lowest_geometric_mean_is_chosen(
    scores: dict[float, list[float | None]], factor: float, edge: bool
):
    found = choose(scores)
    assert (found.factor, found.edge) == (factor, edge)


def test_levels_are_geometric_means_and_none_where_a_run_failed():
    levels = choose({0.333: [4, 9], 1: [1, None], 3: []}).levels
    assert levels[0.333] == pytest.approx(6)
    assert math.isnan(levels[1])
    assert math.isnan(levels[3])


def test_an_arm_with_a_missing_run_is_not_tuned():
    tuning = Tuning(factors=(1, 3), seeds=2)
    scores = {"a x1": [2.0, 2.0], "a x3": [1.0, 1.0], "b x1": [2.0, None], "b x3": [1.0]}
    found = choices(tuning, scores, ["a", "b", "c"])
    assert list(found) == ["a"]
    assert found["a"].factor == 3
