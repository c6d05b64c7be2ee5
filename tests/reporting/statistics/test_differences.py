"""Differences of two arms against independent libraries, closed forms and values of textbooks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.reporting.statistics.differences import (
    Difference,
    Failures,
    MedianDifference,
    rank_sum_tails,
)


def two_sides(n: int, m: int, spread: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, m])
    return rng.normal(1.0, 1.0, n), rng.normal(0.0, spread, m)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (5, 5), (5, 12), (40, 40)])
def test_the_difference_of_means_is_welchs_of_scipy(n: int, m: int) -> None:
    first, second = two_sides(n, m)
    found = Difference(first, second)
    for alternative, p in (("greater", found.above(0.0)), ("less", found.below(0.0))):
        welch = stats.ttest_ind(first, second, equal_var=False, alternative=alternative)
        assert p == pytest.approx(welch.pvalue, rel=1e-10)
    welch = stats.ttest_ind(first, second, equal_var=False)
    assert found.degrees == pytest.approx(welch.df)
    for level in (0.1, 0.001):
        ends = welch.confidence_interval(1 - level)
        assert found.interval(level) == pytest.approx((ends.low, ends.high), rel=1e-9)


def test_a_shift_of_the_difference_shifts_what_it_is_compared_with() -> None:
    first, second = two_sides(6, 8)
    moved = Difference(first + 0.7, second)
    assert moved.above(0.7) == pytest.approx(Difference(first, second).above(0.0))


def test_more_seeds_reach_less_far() -> None:
    first, second = two_sides(5, 5)
    # As many degrees of freedom for each seed beyond the first as now, spreads as they are.
    degrees = Difference(first, second).degrees * 19 / 4
    error = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 20)
    assert Difference(first, second).reach(20, 0.01) == pytest.approx(
        stats.t.ppf(0.99, degrees) * error
    )


@pytest.mark.parametrize(("n", "m"), [(2, 3), (5, 5), (8, 6)])
def test_the_median_difference_is_the_exact_rank_sum_test_of_scipy(n: int, m: int) -> None:
    first, second = two_sides(n, m)
    found = MedianDifference(first, second)
    for value in (0.0, 1.0):
        for alternative, p in (("greater", found.above(value)), ("less", found.below(value))):
            exact = stats.mannwhitneyu(
                first - value, second, alternative=alternative, method="exact"
            )
            assert p == pytest.approx(exact.pvalue, rel=1e-12)
    # Hodges & Lehmann: the median of all pairs of one number of each side, by hand.
    assert found.effect == np.median([one - two for one in first for two in second])


def test_the_interval_of_the_median_difference_of_a_textbook() -> None:
    # Hollander & Wolfe 1999, example 4.1 (water transfer through placental membranes): the
    # estimate of the shift is 0.305; the exact interval of 1 - 2 P(U <= 8) lies between the 9th
    # difference from below and the 9th from above.
    term = np.array([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
    early = np.array([1.15, 0.88, 0.90, 0.74, 1.21])
    found = MedianDifference(term, early)
    assert found.effect == pytest.approx(0.305)
    ordered = sorted(one - two for one in term for two in early)
    level = 2 * rank_sum_tails(10, 5)[8]
    assert found.interval(level * 1.001) == pytest.approx((ordered[8], ordered[-9]))


def test_few_numbers_bound_nothing_at_small_levels() -> None:
    first, second = two_sides(5, 5)
    # Of the 252 orders of five and five, one is the most extreme on each side.
    assert MedianDifference(first, second).interval(2 / 252 * 1.01)[0] > -math.inf
    assert MedianDifference(first, second).interval(2 / 252 * 0.99) == (-math.inf, math.inf)


def test_tails_of_the_rank_sum_by_hand() -> None:
    # Two and two: of the six orders, U = 0, 1, 2, 2, 3, 4.
    np.testing.assert_allclose(rank_sum_tails(2, 2), np.array([1, 2, 4, 5, 6]) / 6)
    # Forty and forty: P(U = 0) = 1 / C(80, 40), which floats of a recursion would lose.
    assert rank_sum_tails(40, 40)[0] == pytest.approx(1 / math.comb(80, 40), rel=1e-12)
    assert rank_sum_tails(40, 40)[-1] == 1.0


def test_rates_of_failure_are_compared_by_fishers_exact_test() -> None:
    # Fisher's tea (1935): 3 of 4 against 1 of 4; two-sided (1 + 16 + 16 + 1) / 70.
    assert Failures(1, 4, 3, 4).p == pytest.approx(34 / 70)
    # 0 of 5 against 5 of 5: the two most extreme of C(10, 5) = 252 tables.
    found = Failures(0, 5, 5, 5)
    assert (found.p, found.effect) == (pytest.approx(2 / 252), 1.0)
    assert Failures(5, 5, 0, 5).effect == -1.0
    assert Failures(0, 0, 3, 5).effect == 0.0


def test_the_gap_of_rates_is_cohens() -> None:
    # Cohen 1988, table 6.2.2: 2 asin(sqrt(0.5)) = 1.571, 2 asin(sqrt(0.1)) = 0.644.
    assert Failures(5, 10, 1, 10).arcsine_gap == pytest.approx(1.571 - 0.644, abs=1e-3)
    assert Failures(0, 7, 7, 7).arcsine_gap == pytest.approx(math.pi)
