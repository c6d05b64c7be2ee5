"""Verdicts on claims: what the runs decide, at an error that holds over all tests of a page.

A test asks two things: whether its effect leaves a reference (0, for a difference), and whether it
is too small to matter (an equivalence test: two one-sided tests, Schuirmann 1987). One of the two
answers at most can be wrong, so both are sought at one level, ALPHA over the number of the page's
tests (Bonferroni). A test looks at its runs when 5, 8, 12, 18, 27 and 40 seeds have ended, and
spends its level in proportion to the seeds: a look at n seeds, after one at m, decides at
(n - m) / 40 of it. The looks' levels add up to the test's and the tests' levels to ALPHA, so that
the probability of one wrong verdict or more on a page is at most ALPHA whenever a person stops, if
the p-values hold. Each look uses the first n seeds alone: more runs change no earlier look, and a
verdict that was reached stays. docs/verdicts.md has the simulations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.core.spec.claims import Claim, ClaimTest
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.estimates import normal_quantile
from harness.reporting.statistics.hypotheses import (
    CONTRADICTED,
    NO_DIFFERENCE,
    SUPPORTED,
    UNDECIDED,
    Hypothesis,
    formulate,
)
from harness.reporting.statistics.samples import num_ended

WORDS = (SUPPORTED, CONTRADICTED, NO_DIFFERENCE, UNDECIDED)
PROMISED = 0.05
"""The probability of one wrong verdict or more that a page promises to hold."""

ALPHA = PROMISED / 2
"""What the tests' levels add up to. The other half is room for outcomes that Welch's test does not
fit: simulated pages reach 4.7 % with skewed noise twice as wide in one arm (docs/verdicts.md), and
take two or three runs of a hundred more for it."""

LOOKS = (5, 8, 12, 18, 27, 40)
"""The numbers of seeds after which a test looks at its runs."""

RUNS_PER_SEED = 8
"""A test over the runs of a search looks at as many runs as others look at seeds, times this."""

POWER = 0.8
MAX_NEEDED = 1_000


@dataclass(frozen=True)
class Answer:
    """One way in which a test may be answered: its verdict and its p-value at one look."""

    word: str
    p: float


@dataclass(frozen=True)
class Decision:
    """The decision on a hypothesis.

    word: one of WORDS. look: the index in LOOKS of the look that decided, else of the last look so
    far; None before the first. effect, low, high: of the hypothesis at that look, in its unit, a
    logarithm for a ratio; NaN without an estimate. level: the probability that the interval misses.
    p: the smallest p-value of a look over the look's share of the level, 1 at most: the test is
    decided where ``p`` is at most ``budget``, the test's level over all its looks. spent: the share
    of the budget that the looks so far have spent.
    """

    word: str
    budget: float
    look: int | None = None
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    level: float = math.nan
    p: float = 1.0
    spent: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What the runs say about one test of a claim.

    study: whose runs they are. hypothesis: as of the look that the decision names. needed: how many
    seeds or runs would decide an undecided test (``needed``). ended: how many seeds or runs have
    ended, those after the look included.
    """

    study: str
    claim: Claim
    test: ClaimTest
    hypothesis: Hypothesis
    decision: Decision
    needed: float | None = None
    ended: int = 0


def judge(
    tests: Sequence[tuple[Claim, ClaimTest, StudyResults]], num_tests: int | None = None
) -> list[Verdict]:
    """A verdict for each (claim, test, the results that hold its runs), in their order.

    num_tests: how many tests share ALPHA, those without any run included; these ones alone if None.
    """
    budget = ALPHA / max(num_tests or len(tests), 1)
    return [_judged(claim, test, results, budget) for claim, test, results in tests]


def looks(units: str) -> tuple[int, ...]:
    """The numbers of seeds or of runs after which a test that counts ``units`` looks."""
    return LOOKS if units == "seed" else tuple(RUNS_PER_SEED * n for n in LOOKS)


def share(look: int) -> float:
    """The share of a test's level that the look of this index spends; all of them add up to 1."""
    return (LOOKS[look] - (LOOKS[look - 1] if look else 0)) / LOOKS[-1]


def decide(series: Sequence[Hypothesis], budget: float) -> Decision:
    """The decision on a hypothesis as it stands at its looks so far, in their order.

    The first look that has an answer decides. Two answers that contradict each other, by failed
    runs and by the others, are none.
    """
    p = 1.0
    for look, hypothesis in enumerate(series):
        level = budget * share(look)
        found = list(answers(hypothesis))
        p = min([p, *(answer.p / share(look) for answer in found)])
        words = {answer.word for answer in found if answer.p <= level}
        if hypothesis.inside in words:
            return _decision(hypothesis.inside, hypothesis, budget, look, 2 * level, p)
        if len(words) == 1:
            return _decision(words.pop(), hypothesis, budget, look, level, p)
    look = len(series) - 1
    return _decision(UNDECIDED, series[look], budget, look, budget * share(look), p)


def answers(hypothesis: Hypothesis) -> Iterator[Answer]:
    """The ways in which the hypothesis may be answered, each valid at the level of the test.

    Where runs failed, the failures and the other runs have half of the level each.
    """
    estimate, failures = hypothesis.estimate, hypothesis.failures
    ways = 2 if failures else 1
    if estimate is not None:
        for word, p in (
            (hypothesis.above, estimate.above(hypothesis.reference)),
            (hypothesis.below, estimate.below(hypothesis.reference)),
        ):
            if word:
                yield Answer(word, min(1.0, 2 * ways * p))
    if estimate is not None and hypothesis.margin is not None:
        low, high = hypothesis.margin
        yield Answer(hypothesis.inside, max(estimate.above(low), estimate.below(high)))
    if failures and failures.effect:
        word = hypothesis.above if failures.effect > 0 else hypothesis.below
        yield Answer(word, min(1.0, ways * failures.p))


def needed(hypothesis: Hypothesis, budget: float, after: int | None) -> float | None:
    """The number of seeds or runs at which a test is decided with a probability of POWER.

    The first look after the one of index ``after`` that does; else a number beyond the last look,
    at that look's level; infinite beyond MAX_NEEDED. None without an estimate. The effect is taken
    to be the observed one times max(0, 1 - 1 / z^2), where z is its distance from the reference in
    standard errors: the heuristic shrinkage of van Houwelingen & le Cessie 1990 (Statistics in
    Medicine 9, 1303), (chi^2 - p) / chi^2 with p = 1 parameter.
    """
    if hypothesis.estimate is None and hypothesis.failures is None:
        return None
    sizes = looks(hypothesis.units)
    for look in range(0 if after is None else after + 1, len(sizes)):
        if _decides(hypothesis, sizes[look], budget * share(look)):
            return sizes[look]
    last = budget * share(len(sizes) - 1)
    beyond = range(sizes[-1] + 1, MAX_NEEDED + 1)
    return next((n for n in beyond if _decides(hypothesis, n, last)), math.inf)


def _judged(claim: Claim, test: ClaimTest, results: StudyResults, budget: float) -> Verdict:
    ended, everything = num_ended(test, results), formulate(test, results)
    series = [formulate(test, results, n) for n in looks(everything.units) if n <= ended]
    if not series:
        level = budget * share(0)
        decision = _decision(UNDECIDED, everything, budget, None, level, 1.0)
        shown = everything
    else:
        decision = decide(series, budget)
        shown = series[decision.look or 0]
    left = None
    if decision.word == UNDECIDED and not shown.hopeless:
        left = needed(shown, budget, decision.look)
    return Verdict(results.spec.name, claim, test, shown, decision, left, ended)


def _decision(
    word: str, hypothesis: Hypothesis, budget: float, look: int | None, level: float, p: float
) -> Decision:
    """The decision with the interval that the level leaves to the estimate."""
    spent = 0.0 if look is None else LOOKS[look] / LOOKS[-1]
    estimate = hypothesis.estimate
    if estimate is None:
        return Decision(word, budget, look, p=p, spent=spent)
    level /= 2 if hypothesis.failures else 1
    low, high = estimate.interval(level)
    return Decision(word, budget, look, estimate.effect, low, high, level, p, spent)


def _decides(hypothesis: Hypothesis, n: int, level: float) -> bool:
    """Whether ``n`` units decide at ``level`` with a probability of POWER or more."""
    estimate, failures = hypothesis.estimate, hypothesis.failures
    ways, miss = (2 if failures else 1), 1 - POWER
    if failures:
        error = math.sqrt(2 / n)
        gap = _shrunk(failures.arcsine_gap, error)
        if gap >= (normal_quantile(level / 2 / ways) + normal_quantile(miss)) * error:
            return True
    if estimate is None:
        return False
    gap = _shrunk(estimate.effect - hypothesis.reference, estimate.standard_error)
    word = hypothesis.above if gap > 0 else hypothesis.below
    if word and abs(gap) >= estimate.reach(n, level / 2 / ways) + estimate.reach(n, miss):
        return True
    if hypothesis.margin is None:
        return False
    effect, (low, high) = hypothesis.reference + gap, hypothesis.margin
    both = estimate.reach(n, level) + estimate.reach(n, miss / 2)
    return min(high - effect, effect - low) >= both


def _shrunk(gap: float, error: float) -> float:
    """The ``gap`` shrunk by its own ``error``; 0 for one within its standard error."""
    return gap * max(0.0, 1 - (error / gap) ** 2) if gap else 0.0
