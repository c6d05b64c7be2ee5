"""How often a verdict is wrong, on simulated arms whose truth is known: at most 5 %."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.reporting.statistics.estimates import Area, Mean, RankCorrelation, WinRate
from harness.reporting.statistics.hypotheses import (
    CONTRADICTED,
    NO_DIFFERENCE,
    SUPPORTED,
    UNDECIDED,
    Hypothesis,
)
from harness.reporting.statistics.verdicts import decide
from tests.support.simulations import scaled

REPEATS = {5: scaled(1_500), 8: scaled(400), 20: scaled(300)}
"""Simulated studies per number of seeds: those with more seeds take longer."""

MANY = scaled(1_000)
"""Simulated studies where one takes little."""


Draw = Callable[[np.random.Generator, int], np.ndarray]
NOISE: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    # Mean 0, standard deviation 1; skewness 1.75.
    "skewed": lambda rng, n: (rng.lognormal(0, 0.5, n) - np.exp(0.125)) / 0.604,
    "heavy-tailed": lambda rng, n: rng.standard_t(3, n) / 3**0.5,
}


def limit(repeats: int) -> float:
    """What a share of at most 5 % stays below in 99.5 % of such simulations: 2.6 errors more."""
    return 0.05 + 2.6 * (0.05 * 0.95 / repeats) ** 0.5


def share(found: list[str], *words: str) -> float:
    """The share of verdicts that are one of ``words``."""
    return sum(word in words for word in found) / len(found)


def words(noise: Draw, n: int, truth: float, margin: float) -> list[str]:
    """The verdicts of studies with ``n`` seeds; truth and margin in standard deviations."""
    rng = np.random.default_rng(n)
    found = []
    for _ in range(REPEATS[n]):
        estimate = Mean(noise(rng, n) + truth)
        found.append(decide([Hypothesis(estimate, margin=(-margin, margin))])[0].word)
    return found


@pytest.mark.parametrize("noise", list(NOISE))
@pytest.mark.parametrize("n", [5, 8, 20])
def test_without_an_effect_at_most_one_in_twenty_finds_one(n: int, noise: str) -> None:
    found = words(NOISE[noise], n, truth=0.0, margin=0.05)
    assert share(found, SUPPORTED, CONTRADICTED) <= limit(REPEATS[n])


@pytest.mark.parametrize("noise", list(NOISE))
@pytest.mark.parametrize("n", [5, 20])
def test_an_effect_that_just_matters_is_seldom_called_none(n: int, noise: str) -> None:
    found = words(NOISE[noise], n, truth=2.5, margin=2.5)
    assert share(found, NO_DIFFERENCE, CONTRADICTED) <= limit(REPEATS[n])


def test_large_effects_are_found_and_small_ones_are_called_so() -> None:
    # Power: 20 pairs see an effect of 1.5 standard deviations, and that 0 lies within 1.
    assert share(words(NOISE["normal"], 20, 1.5, 0.1), SUPPORTED) > 0.99
    assert share(words(NOISE["normal"], 20, -1.5, 0.1), CONTRADICTED) > 0.99
    assert share(words(NOISE["normal"], 20, 0.0, 1.0), NO_DIFFERENCE) > 0.9
    assert share(words(NOISE["normal"], 5, 0.3, 0.3), UNDECIDED) > 0.9


def test_a_whole_report_is_wrong_at_most_once_in_twenty() -> None:
    # Ten tests: four without an effect, three with effects far beyond the margin, which take the
    # first steps of Holm's order, and three whose effect is just as large as the margin.
    truths = [0.0] * 4 + [20.0] * 3 + [2.5] * 3
    repeats, wrong = scaled(150), 0
    rng = np.random.default_rng(3)
    for _ in range(repeats):
        made = [Mean(rng.normal(size=8) + truth) for truth in truths]
        found = decide([Hypothesis(estimate, margin=(-2.5, 2.5)) for estimate in made])
        answers = [decision.word for decision in found]
        wrong += any(word in (SUPPORTED, CONTRADICTED) for word in answers[:4]) or any(
            word in (NO_DIFFERENCE, CONTRADICTED) for word in answers[4:]
        )
    assert wrong / repeats <= limit(repeats)


@pytest.mark.parametrize("n", [10, 40])
def test_a_fair_coin_of_wins_is_seldom_called_unfair(n: int) -> None:
    wins = np.random.default_rng(n).binomial(n, 0.5, size=MANY)
    found = [decide([Hypothesis(WinRate(int(k), n), reference=0.5)])[0].word for k in wins]
    assert share(found, SUPPORTED, CONTRADICTED) <= limit(MANY)


@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize("truth", [0.0, 0.5])
def test_the_size_of_a_correlation_is_seldom_judged_wrongly(n: int, truth: float) -> None:
    # The population's Spearman correlation of a normal pair: 6/pi asin(r/2); Kruskal 1958.
    r = 2 * np.sin(np.pi * truth / 6)
    rng = np.random.default_rng(n)
    wrong = 0
    for _ in range(MANY):
        x = rng.normal(size=n)
        y = r * x + (1 - r**2) ** 0.5 * rng.normal(size=n)
        rho = float(np.corrcoef(x.argsort().argsort(), y.argsort().argsort())[0, 1])
        hypothesis = Hypothesis(
            RankCorrelation(rho, n),
            reference=0.5,
            above=CONTRADICTED,
            below="",
            margin=(-np.inf, 0.5),
            inside=SUPPORTED,
        )
        word = decide([hypothesis])[0].word
        wrong += word == CONTRADICTED if truth < 0.5 else word != UNDECIDED
    assert wrong / MANY <= limit(MANY)


@pytest.mark.parametrize(("positives", "negatives"), [(5, 15), (20, 20)])
def test_an_area_at_the_threshold_is_seldom_placed_on_one_side(
    positives: int, negatives: int
) -> None:
    rng = np.random.default_rng(positives)
    shift = 2**0.5 * 0.8416  # the area of two normal scores this far apart is 0.8
    wrong = 0
    for _ in range(MANY):
        area = Area(rng.normal(size=positives) + shift, rng.normal(size=negatives))
        wrong += decide([Hypothesis(area, reference=0.8)])[0].word != UNDECIDED
    assert wrong / MANY <= limit(MANY)
