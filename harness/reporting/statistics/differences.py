"""How far two arms lie apart: in their means, in the median difference, in how often they fail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy import special, stats

from harness.reporting.statistics.estimates import Values, normal_quantile, student_quantile


@dataclass(frozen=True, eq=False)
class Difference:
    """The mean of ``first`` less that of ``second``, (n,) and (m,), two numbers each at least.

    Welch 1947: the two sides may have different spreads. Not both may be without any.
    """

    first: Values
    second: Values

    @cached_property
    def effect(self) -> float:
        """The difference of the means."""
        return float(self.first.mean() - self.second.mean())

    @property
    def n(self) -> int:
        """The number of seeds of the arm that has fewer."""
        return min(len(self.first), len(self.second))

    @cached_property
    def standard_error(self) -> float:
        """The square root of the sum of both means' variances."""
        return math.sqrt(sum(self._variances))

    @cached_property
    def degrees(self) -> float:
        """The degrees of freedom; Welch 1947, Satterthwaite 1946."""
        first, second = self._variances
        own = first**2 / (len(self.first) - 1) + second**2 / (len(self.second) - 1)
        return (first + second) ** 2 / own

    def interval(self, level: float) -> tuple[float, float]:
        """effect -+ t * standard error."""
        half = student_quantile(self.degrees, level / 2) * self.standard_error
        return self.effect - half, self.effect + half

    def above(self, value: float) -> float:
        """By Student's t with Welch's degrees of freedom."""
        return float(special.stdtr(self.degrees, -(self.effect - value) / self.standard_error))

    def below(self, value: float) -> float:
        """By Student's t with Welch's degrees of freedom."""
        return float(special.stdtr(self.degrees, (self.effect - value) / self.standard_error))

    def reach(self, n: int, tail: float) -> float:
        """With spreads as observed and as many degrees of freedom for each seed as now."""
        error = self.standard_error * math.sqrt(self.n / n)
        return student_quantile(self.degrees * (n - 1) / (self.n - 1), tail) * error

    @cached_property
    def _variances(self) -> tuple[float, float]:
        """The variance of each side's mean."""
        one, two = (float(values.var(ddof=1) / len(values)) for values in (self.first, self.second))
        return one, two


@dataclass(frozen=True, eq=False)
class MedianDifference:
    """The median of all differences between a number of ``first`` and one of ``second``.

    Hodges & Lehmann 1963, with the exact interval and p-values of the rank-sum test (Mann &
    Whitney 1947), which hold whatever the distribution is that both sides have but for a shift.
    An interval has no bound on a side that so few numbers cannot bound.
    """

    first: Values
    second: Values

    @cached_property
    def effect(self) -> float:
        """The median difference."""
        return float(np.median(self._differences))

    @property
    def n(self) -> int:
        """The number of seeds of the arm that has fewer."""
        return min(len(self.first), len(self.second))

    @cached_property
    def standard_error(self) -> float:
        """A fourth of the length of the normal approximation's 95 % interval; Lehmann 1963."""
        n, m = len(self.first), len(self.second)
        outside = n * m / 2 - 2 * math.sqrt(n * m * (n + m + 1) / 12)
        index = min(max(round(outside), 0), (n * m - 1) // 2)
        return float(self._differences[-1 - index] - self._differences[index]) / 4

    def interval(self, level: float) -> tuple[float, float]:
        """Between two of the ordered differences; infinite ends where the level asks for more."""
        tails = rank_sum_tails(len(self.first), len(self.second))
        outside = int(np.searchsorted(tails, level / 2, side="right"))
        if not outside:
            return -math.inf, math.inf
        return float(self._differences[outside - 1]), float(self._differences[-outside])

    def above(self, value: float) -> float:
        """The probability of as few differences at or below ``value``, were it the shift."""
        return self._tail(int((self._differences <= value).sum()))

    def below(self, value: float) -> float:
        """The probability of as few differences at or above ``value``, were it the shift."""
        return self._tail(int((self._differences >= value).sum()))

    def reach(self, n: int, tail: float) -> float:
        """By the normal approximation, with the spread as observed."""
        return normal_quantile(tail) * self.standard_error * math.sqrt(self.n / n)

    def _tail(self, count: int) -> float:
        return float(rank_sum_tails(len(self.first), len(self.second))[count])

    @cached_property
    def _differences(self) -> Values:
        """All of them, (n * m,), ascending."""
        return np.sort(np.subtract.outer(self.first, self.second).ravel())


@dataclass(frozen=True)
class Failures:
    """How many runs of the arm ``better`` failed of those that ended, and of the arm ``than``."""

    better: int
    better_runs: int
    than: int
    than_runs: int

    @property
    def any(self) -> bool:
        """Whether a run failed at all."""
        return self.better + self.than > 0

    @property
    def effect(self) -> float:
        """The share of failed runs of ``than`` less that of ``better``; above 0: better fails less.

        0 where an arm has no run.
        """
        if not self.better_runs or not self.than_runs:
            return 0.0
        return self.than / self.than_runs - self.better / self.better_runs

    @property
    def p(self) -> float:
        """The two-sided p-value against equal rates, by Fisher's exact test (Fisher 1935)."""
        trained = (self.better_runs - self.better, self.than_runs - self.than)
        return float(stats.fisher_exact([[self.better, self.than], trained]).pvalue)

    @property
    def arcsine_gap(self) -> float:
        """The rates' distance where its standard error is sqrt(2 / n): Cohen 1988's h, in [0, pi].

        h = |2 asin(sqrt(p)) - 2 asin(sqrt(q))| (section 6.2); 0 where an arm has no run.
        """
        if not self.better_runs or not self.than_runs:
            return 0.0
        rates = self.better / self.better_runs, self.than / self.than_runs
        first, second = (2 * math.asin(math.sqrt(rate)) for rate in rates)
        return abs(first - second)


@cache
def rank_sum_tails(n: int, m: int) -> Values:
    """P(U <= u) of the rank-sum statistic of ``n`` and ``m`` numbers alike, for u = 0 to n * m.

    Exact: the number of orders with statistic u is the coefficient of q^u in the Gaussian binomial
    coefficient, the product of (1 - q^(n + i)) / (1 - q^i) over i = 1 to m (MacMahon).
    """
    counts = [1] + [0] * (n * m)
    for i in range(1, m + 1):
        for u in range(n * m, n + i - 1, -1):
            counts[u] -= counts[u - n - i]
        for u in range(i, n * m + 1):
            counts[u] += counts[u - i]
    total, sums = math.comb(n + m, m), np.cumsum(np.array(counts, dtype=object))
    return np.array([float(one / total) for one in sums])
