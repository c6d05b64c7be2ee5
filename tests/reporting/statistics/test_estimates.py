"""Intervals against closed forms, published figures and other ways to compute them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics.estimates import (
    Area,
    Mean,
    RankCorrelation,
    Resampled,
    WinRate,
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


def test_the_forecast_of_the_mean_narrows_with_n() -> None:
    low, high = Mean(FIVE).forecast(20, 0.05)
    half = stats.t.ppf(0.975, 19) * math.sqrt(0.025 / 20)
    # The bootstrap-t's excess over Student's t at n = 5 counts by 5 / 20.
    excess = (0.3 - Mean(FIVE).interval(0.05)[0]) / (
        stats.t.ppf(0.975, 4) * math.sqrt(0.025 / 5)
    ) - 1
    assert excess > 0
    assert 0.3 - low == pytest.approx(half * (1 + excess / 4)) == pytest.approx(high - 0.3)
    assert Mean(FIVE).forecast(5, 0.05) == pytest.approx(Mean(FIVE).interval(0.05))


@pytest.mark.parametrize("wins", [0, 1, 4, 9, 10])
def test_the_win_rate_leaves_a_half_where_the_exact_sign_test_rejects_it(wins: int) -> None:
    p = stats.binomtest(wins, 10).pvalue
    low, high = WinRate(wins, 10).interval(min(1.0, p * 1.001))
    assert not low <= 0.5 <= high
    low, high = WinRate(wins, 10).interval(p * 0.999)
    assert low <= 0.5 <= high


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
    assert few.forecast(40, 0.05)[0] > low


def test_a_resampled_statistic_has_a_t_interval_of_its_spread() -> None:
    low, high = Resampled(0.2, 10, [0.0, 0.2]).interval(0.05)
    half = stats.t.ppf(0.975, 9) * math.sqrt(0.02)
    assert (low, high) == pytest.approx((0.2 - half, 0.2 + half))
