"""Verdicts on claims: what the runs decide, at an error that holds over all tests of a report.

Every test asks two things: whether its effect leaves a reference (0, for a difference), and
whether it is too small to matter (an equivalence test: two one-sided tests, Schuirmann 1987). Both
can go wrong, so each of the two families gets half of ALPHA, and Holm's step-down (Holm 1979)
within it: the smallest p of k tests is tried at (ALPHA / 2) / k, the next one at
(ALPHA / 2) / (k - 1), up to the first that fails. The probability of one wrong verdict or more in
a report is thus at most ALPHA, if the intervals have their nominal coverage. A report whose tests
have no smallest effect, and so no second family, gives all of ALPHA to the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from harness.core.spec.claims import Claim, ClaimTest
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.hypotheses import (
    CONTRADICTED,
    NO_DIFFERENCE,
    SUPPORTED,
    UNDECIDED,
    Hypothesis,
    formulate,
)

WORDS = (SUPPORTED, CONTRADICTED, NO_DIFFERENCE, UNDECIDED)
ALPHA = 0.05
MAX_NEEDED = 1_000
_SMALLEST_LEVEL = 1e-9

Interval = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Step:
    """One test in Holm's step-down: its p-value, the level it was tried at, whether it passed."""

    p: float
    level: float
    passed: bool


@dataclass(frozen=True)
class Decision:
    """The decision on one hypothesis, among all those of a report.

    word: one of WORDS. effect, low, high: in the unit of the hypothesis, a logarithm for a ratio;
    NaN without an estimate. level: the probability that the interval misses, as Holm's order set
    it. p: the smallest level at which the hypothesis would be decided if it were the only one.
    leaving, staying: the steps of its two tests, that the effect leaves the reference and that it
    stays within the margin.
    """

    word: str
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = math.nan
    p: float = 1.0
    leaving: Step | None = None
    staying: Step | None = None


@dataclass(frozen=True)
class Verdict:
    """What the runs say about one test of a claim.

    study: whose runs they are. needed: how many pairs or runs should decide an undecided test,
    with this effect and spread and at these levels; infinite beyond MAX_NEEDED, None where it is
    decided or there is no estimate.
    """

    study: str
    claim: Claim
    test: ClaimTest
    hypothesis: Hypothesis
    decision: Decision
    needed: float | None = None


def holm(p_values: Sequence[float], alpha: float) -> list[Step]:
    """The step of each p-value, in their order. Holm 1979.

    After the first test that fails, no other is tried; the others have the level of that one.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    steps: dict[int, Step] = {}
    passed, level = True, 0.0
    for rank, index in enumerate(order):
        if passed:
            level = alpha / (len(p_values) - rank)
            passed = p_values[index] <= level
        steps[index] = Step(p_values[index], level, passed)
    return [steps[index] for index in range(len(p_values))]


def judge(tests: Sequence[tuple[Claim, ClaimTest, StudyResults]]) -> list[Verdict]:
    """A verdict for each (claim, test, the results that hold its runs), in their order.

    All of them share one ALPHA, also those without an estimate.
    """
    hypotheses = [formulate(test, results) for _, test, results in tests]
    return [
        Verdict(results.spec.name, claim, test, hypothesis, decision, needed(hypothesis, decision))
        for (claim, test, results), hypothesis, decision in zip(
            tests, hypotheses, decide(hypotheses), strict=True
        )
    ]


def decide(hypotheses: Sequence[Hypothesis]) -> list[Decision]:
    """The decision on each hypothesis of a report, in their order; all share one ALPHA."""
    margins = [hypothesis for hypothesis in hypotheses if hypothesis.margin is not None]
    share = ALPHA / 2 if margins else ALPHA
    leaving = holm([_smallest_level(hypothesis, _leaves) for hypothesis in hypotheses], share)
    staying = iter(holm([_smallest_level(hypothesis, _stays) for hypothesis in margins], share))
    return [
        _decision(hypothesis, step, next(staying) if hypothesis.margin is not None else None)
        for hypothesis, step in zip(hypotheses, leaving, strict=True)
    ]


def needed(hypothesis: Hypothesis, decision: Decision) -> float | None:
    """The smallest n whose expected interval decides, at the levels where Holm's order stopped.

    Infinite beyond MAX_NEEDED; None for what is decided and without an estimate.
    """
    estimate, leaving = hypothesis.estimate, decision.leaving
    if decision.word != UNDECIDED or estimate is None or leaving is None:
        return None
    for n in range(max(estimate.n, 4) + 1, MAX_NEEDED + 1):
        forecast = partial(estimate.forecast, n)
        if _leaves(hypothesis, forecast, leaving.level):
            return n
        if decision.staying and _stays(hypothesis, forecast, decision.staying.level):
            return n
    return math.inf


def _decision(hypothesis: Hypothesis, leaving: Step, staying: Step | None) -> Decision:
    """The decision on a hypothesis, by the levels that Holm's order gave to its two tests."""
    estimate = hypothesis.estimate
    if estimate is None:
        return Decision(UNDECIDED)
    too_small = staying is not None and staying.passed
    level = 2 * staying.level if staying and staying.passed else leaving.level
    low, high = estimate.interval(level)
    word = UNDECIDED
    if too_small:
        word = hypothesis.inside
    elif leaving.passed:
        word = hypothesis.above if low > hypothesis.reference else hypothesis.below
    p = min(leaving.p, staying.p if staying else 1.0)
    return Decision(word, estimate.effect, low, high, level, p, leaving, staying)


def _leaves(hypothesis: Hypothesis, interval: Interval, level: float) -> bool:
    """Whether the interval lies on a side of the reference that has a verdict."""
    low, high = interval(level)
    above = bool(hypothesis.above) and low > hypothesis.reference
    return above or (bool(hypothesis.below) and high < hypothesis.reference)


def _stays(hypothesis: Hypothesis, interval: Interval, level: float) -> bool:
    """Whether the interval of two one-sided tests at ``level`` lies inside the margin."""
    if hypothesis.margin is None:
        return False
    low, high = interval(2 * level)
    return hypothesis.margin[0] < low and high < hypothesis.margin[1]


def _smallest_level(hypothesis: Hypothesis, decides: Callable[..., bool]) -> float:
    """The smallest level at which the test ``decides``: its p-value; 1 if there is none below 1/2.

    Found by bisection of the level's logarithm, since intervals nest.
    """
    if hypothesis.estimate is None or not decides(hypothesis, hypothesis.estimate.interval, 0.499):
        return 1.0
    low, high = math.log(_SMALLEST_LEVEL), math.log(0.499)
    while high - low > 1e-4:
        middle = (low + high) / 2
        if decides(hypothesis, hypothesis.estimate.interval, math.exp(middle)):
            high = middle
        else:
            low = middle
    return math.exp(high)
