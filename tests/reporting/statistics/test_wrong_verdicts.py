"""How often a verdict is wrong, where the truth is known: on at most 5 % of the pages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.reporting.statistics.differences import Difference, Failures, MedianDifference
from harness.reporting.statistics.estimates import Area, Estimate, Mean, RankCorrelation
from harness.reporting.statistics.hypotheses import (
    CONTRADICTED,
    NO_DIFFERENCE,
    SUPPORTED,
    UNDECIDED,
    Hypothesis,
)
from harness.reporting.statistics.verdicts import ALPHA, LOOKS, answers, decide
from tests.support import simulated_pages as simulated
from tests.support.simulations import scaled

MANY = scaled(4_000)
PAGES = scaled(5_000)
WORDS = {SUPPORTED: 1, CONTRADICTED: -1, NO_DIFFERENCE: simulated.INSIDE, UNDECIDED: 0}


def limit(repeats: int, rate: float = 0.05) -> float:
    """What a share of at most ``rate`` stays below in 99.5 % of such simulations: 2.6 errors."""
    return rate + 2.6 * (rate * (1 - rate) / repeats) ** 0.5


def share(made: Callable[[np.random.Generator], Hypothesis], *words: str, seed: int = 0) -> float:
    """The share of simulated hypotheses that one look at a level of 5 % answers by ``words``."""
    rng = np.random.default_rng(seed)
    answered = 0
    for _ in range(MANY):
        found = answers(made(rng))
        answered += any(one.word in words and one.p <= 0.05 for one in found)
    return answered / MANY


def numbers(noise: str, rng: np.random.Generator, n: int) -> np.ndarray:
    return simulated.NOISE[noise](rng, (n,))


@pytest.mark.parametrize("noise", list(simulated.NOISE))
@pytest.mark.parametrize("n", [5, 20])
def test_two_arms_that_are_alike_are_seldom_told_apart(n: int, noise: str) -> None:
    for estimate in (Difference, MedianDifference):
        found = share(
            lambda rng, kind=estimate: Hypothesis(
                kind(numbers(noise, rng, n), numbers(noise, rng, n))
            ),
            SUPPORTED,
            CONTRADICTED,
        )
        assert found <= limit(MANY)


@pytest.mark.parametrize("noise", list(simulated.NOISE))
@pytest.mark.parametrize("n", [5, 20])
def test_an_effect_that_just_matters_is_seldom_called_none(n: int, noise: str) -> None:
    def made(rng: np.random.Generator) -> Hypothesis:
        first, second = numbers(noise, rng, n) + 2.5, numbers(noise, rng, n)
        return Hypothesis(Difference(first, second), margin=(-2.5, 2.5))

    assert share(made, NO_DIFFERENCE, CONTRADICTED) <= limit(MANY)


def test_large_effects_are_found_and_small_ones_are_called_so() -> None:
    def made(effect: float, margin: float) -> Callable[[np.random.Generator], Hypothesis]:
        return lambda rng: Hypothesis(
            Difference(rng.normal(effect, 1, 20), rng.normal(size=20)), margin=(-margin, margin)
        )

    assert share(made(2.0, 0.1), SUPPORTED) > 0.99
    assert share(made(-2.0, 0.1), CONTRADICTED) > 0.99
    assert share(made(0.0, 1.2), NO_DIFFERENCE) > 0.9
    assert share(made(0.3, 0.3), SUPPORTED, CONTRADICTED, NO_DIFFERENCE) < 0.3


@pytest.mark.parametrize("noise", ["normal", "heavy-tailed"])
@pytest.mark.parametrize("n", [5, 8])
def test_a_mean_of_0_is_seldom_called_a_gain(n: int, noise: str) -> None:
    found = share(lambda rng: Hypothesis(Mean(numbers(noise, rng, n))), SUPPORTED, CONTRADICTED)
    assert found <= limit(MANY)


def test_equal_rates_of_failure_are_seldom_told_apart() -> None:
    """Every other run fails in both arms; what is left is alike, too. Both are looked at."""

    def made(rng: np.random.Generator) -> Hypothesis:
        failed = rng.binomial(12, 0.5, size=2)
        left: Estimate | None = None
        if failed.max() < 12:
            left = MedianDifference(*(rng.lognormal(size=12 - k) for k in failed))
        return Hypothesis(left, Failures(int(failed[0]), 12, int(failed[1]), 12))

    assert share(made, SUPPORTED, CONTRADICTED) <= limit(MANY)


@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("truth", [0.0, 0.5])
def test_the_size_of_a_correlation_is_seldom_judged_wrongly(n: int, truth: float) -> None:
    # The population's Spearman correlation of a normal pair: 6/pi asin(r/2); Kruskal 1958.
    r = 2 * np.sin(np.pi * truth / 6)

    def made(rng: np.random.Generator) -> Hypothesis:
        x = rng.normal(size=n)
        y = r * x + (1 - r**2) ** 0.5 * rng.normal(size=n)
        rho = float(np.corrcoef(x.argsort().argsort(), y.argsort().argsort())[0, 1])
        return Hypothesis(
            RankCorrelation(rho, n), reference=0.5, above=CONTRADICTED, below=SUPPORTED
        )

    wrong = (CONTRADICTED,) if truth < 0.5 else (CONTRADICTED, SUPPORTED)
    assert share(made, *wrong, seed=n) <= limit(MANY)


@pytest.mark.parametrize(("positives", "negatives"), [(5, 15), (20, 20)])
def test_an_area_at_the_threshold_is_seldom_placed_on_one_side(
    positives: int, negatives: int
) -> None:
    shift = 2**0.5 * 0.8416  # the area of two normal scores this far apart is 0.8

    def made(rng: np.random.Generator) -> Hypothesis:
        area = Area(rng.normal(size=positives) + shift, rng.normal(size=negatives))
        return Hypothesis(area, reference=0.8)

    assert share(made, SUPPORTED, CONTRADICTED) <= limit(MANY)


def test_simulated_pages_are_decided_as_the_harness_decides() -> None:
    truth = simulated.hard(3)
    made = simulated.simulate(5, 12, truth, "skewed", spread=0.6, unequal=1.5)
    outcome = simulated.single_step(made)
    for page in range(12):
        for k, test in enumerate(simulated.RECORDED):
            if not test.better:
                continue
            better, than = (
                made.draws[simulated.arm_of(test.study, arm)][page]
                for arm in (test.better, test.than)
            )
            scale = 0.6 * test.spread / (1 + 1.5**2) ** 0.5
            first, second = truth[k] + scale * 1.5 * than, scale * better
            assert test.margin is not None
            series = [
                Hypothesis(Difference(first[:n], second[:n]), margin=(-test.margin, test.margin))
                for n in LOOKS
            ]
            decision = decide(series, ALPHA / len(simulated.RECORDED))
            assert WORDS[decision.word] == outcome.words[page, k]
            if decision.word != UNDECIDED:
                assert decision.look == outcome.decided_at[page, k]


@pytest.mark.parametrize("noise", list(simulated.NOISE))
@pytest.mark.parametrize("truth", ["hard", "all at 0", "all at the margin"])
@pytest.mark.parametrize("unequal", [1.0, 2.0])
def test_a_page_is_wrong_at_most_once_in_twenty(noise: str, truth: str, unequal: float) -> None:
    """29 tests, looked at six times each, stopped as soon as they are decided."""
    effects = simulated.TRUTHS[truth]
    made = simulated.simulate(11, PAGES, effects, noise, spread=0.6, unequal=unequal)
    assert simulated.wrong_pages(simulated.single_step(made), effects) <= limit(PAGES)


@pytest.mark.slow
@pytest.mark.parametrize("noise", list(simulated.NOISE))
@pytest.mark.parametrize("spread", [1.0, 0.6, 0.3])
@pytest.mark.parametrize("truth", list(simulated.TRUTHS))
@pytest.mark.parametrize("unequal", [1.0, 2.0])
def test_many_pages_are_wrong_at_most_once_in_twenty(
    noise: str, spread: float, truth: str, unequal: float
) -> None:
    pages, effects = scaled(20_000), simulated.TRUTHS[truth]
    made = simulated.simulate(12, pages, effects, noise, spread, unequal)
    assert simulated.wrong_pages(simulated.single_step(made), effects) <= limit(pages)


@pytest.mark.slow
def test_holms_order_does_not_hold_the_error() -> None:
    """Why each test has its own level: one that is settled by its other answer leaves the order."""
    pages, effects = scaled(50_000), simulated.TRUTHS["hard"]
    made = simulated.simulate(13, pages, effects, "skewed", spread=0.3)
    assert simulated.wrong_pages(simulated.holm(made, 0.04), effects) > 0.05
