"""Intervals against closed forms, published figures and other ways to compute them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics.estimates import (
    Area,
    Estimate,
    Mean,
    RankCorrelation,
    clopper_pearson,
)

FIVE = np.array([0.1, 0.3, 0.2, 0.5, 0.4])


def test_an_interval_of_the_mean_is_never_inside_students() -> None:
    for level in (0.2, 0.05, 0.001):
        low, high = Mean(FIVE).interval(level)
        # FIVE has mean 0.3 and standard deviation sqrt(0.025).
        t = stats.t.ppf(1 - level / 2, 4) * math.sqrt(0.025 / 5)
        assert low <= 0.3 - t + 1e-12
        assert high >= 0.3 + t - 1e-12


def test_the_bootstrap_t_of_five_numbers_is_that_of_all_its_resamples() -> None:
    # All 5**5 resamples, one by one. At level 0.05 the bootstrap-t is the outer one at both ends.
    grid = np.array(np.meshgrid(*[FIVE] * 5)).reshape(5, -1)
    least = 0.3 * FIVE.std(ddof=1)
    t = (grid.mean(axis=0) - 0.3) * math.sqrt(5) / np.maximum(grid.std(axis=0, ddof=1), least)
    high_t = np.quantile(t, 0.975, method="inverted_cdf")
    low, high = Mean(FIVE).interval(0.05)
    assert high_t > stats.t.ppf(0.975, 4)
    assert low == pytest.approx(0.3 - high_t * math.sqrt(0.025 / 5), rel=1e-9)
    assert high == pytest.approx(0.6 - low)  # FIVE is symmetric about 0.3


def test_a_skewed_sample_has_the_longer_interval_on_the_side_of_its_tail() -> None:
    low, high = Mean(np.array([0.0, 0.1, 0.1, 0.2, 2.0])).interval(0.05)
    assert high - 0.48 > 1.25 * (0.48 - low)


@pytest.mark.parametrize("n", [5, 8, 30])
def test_intervals_of_the_mean_nest_and_shift_with_the_numbers(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    intervals = [Mean(values).interval(level) for level in (0.5, 0.1, 0.01, 0.001)]
    assert all(b[0] <= a[0] and a[1] <= b[1] for a, b in pairwise(intervals))
    low, high = Mean(-values).interval(0.1)
    assert (-high, -low) == pytest.approx(Mean(values).interval(0.1), rel=0.05)  # drawn for n = 30


def test_the_mean_of_more_values_reaches_less_far() -> None:
    # Student's t of 19 degrees; FIVE has the standard deviation sqrt(0.025).
    half = stats.t.ppf(0.975, 19) * math.sqrt(0.025 / 20)
    assert Mean(FIVE).reach(20, 0.025) == pytest.approx(half)


@pytest.mark.parametrize(
    ("estimate", "value"),
    [
        (Mean(np.array([0.0, 0.1, 0.1, 0.2, 2.0])), 0.1),
        (Mean(FIVE), 0.45),
        (RankCorrelation(-0.6, 20), 0.3),
        (RankCorrelation(0.2, 40), 0.5),
        (Area(np.arange(3.0, 12.0), np.arange(8.0)), 0.5),
        (Area(np.arange(8.0), np.arange(6.0)), 0.8),
    ],
)
def test_an_interval_leaves_a_value_where_its_p_is_half_the_level(
    estimate: Estimate, value: float
) -> None:
    above = estimate.effect > value
    p = estimate.above(value) if above else estimate.below(value)
    assert 0 < p < 0.5
    for level, leaves in ((2 * p * 1.01, True), (2 * p * 0.99, False)):
        low, high = estimate.interval(level)
        assert (low > value if above else high < value) is leaves


def test_clopper_pearson_at_its_ends() -> None:
    # Closed forms: 1 - (level / 2)**(1 / n) for no success in n.
    assert clopper_pearson(0, 5) == pytest.approx((0.0, 1 - 0.025**0.2))
    assert clopper_pearson(5, 5) == pytest.approx((0.025**0.2, 1.0))
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    exact = stats.binomtest(2, 9).proportion_ci(method="exact")
    assert clopper_pearson(2, 9) == pytest.approx((exact.low, exact.high))


def test_the_size_of_a_rank_correlation() -> None:
    # tanh(atanh(0.5) -+ 1.96 * sqrt(1.125 / 17)) = tanh(0.5493 -+ 0.5042).
    assert RankCorrelation(-0.5, 20).interval(0.05) == pytest.approx((0.0451, 0.7832), abs=2e-4)
    low, high = RankCorrelation(0.1, 20).interval(0.05)
    assert low == 0.0
    assert high == pytest.approx(math.tanh(math.atanh(0.1) + 1.959964 * math.sqrt(1.005 / 17)))
    assert RankCorrelation(1.0, 10).interval(0.05)[1] == pytest.approx(1.0)


def test_the_area_counts_pairs_and_ties_half() -> None:
    # Pairs (positive, negative): 3>1, 3>2, 2>1 won, 2=2 half: 3.5 of 4.
    area = Area(np.array([3.0, 2.0]), np.array([1.0, 2.0]))
    assert area.effect == 0.875
    assert area.n == 4


def test_a_perfect_area_has_a_width_that_shrinks_with_the_runs() -> None:
    few = Area(np.arange(10.0, 15.0), np.arange(5.0))
    low, high = few.interval(0.05)
    assert high == 1.0
    # At the lower end a: (1 - a)^2 = 1.96^2 V(a), for 5 and 5 runs.
    spread = lambda a: math.sqrt(  # noqa: E731
        a * (1 - a) * (1 + 4 * (1 - a) / (2 - a) + 4 * a / (1 + a)) / 25
    )
    assert 1 - low == pytest.approx(1.959964 * spread(low), abs=1e-6)
    many = Area(np.arange(40.0, 80.0), np.arange(40.0))
    assert many.interval(0.05)[0] > low
