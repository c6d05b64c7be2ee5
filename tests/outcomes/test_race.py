"""The race of a confirmation: who leaves at which look, when it is over, and how often it errs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.core.spec.arms import Confirmation
from harness.outcomes.race import LEVEL, race
from tests.support.simulations import scaled

LOOKS = Confirmation(top=3, seeds=3, max_seeds=12).looks


def ended(scores: dict[int, list[float]], looks=LOOKS) -> tuple[tuple[int, ...], dict[int, int]]:
    """Who is left, and the seeds of each, if runs are given out as the race asks for them."""
    seeds = dict.fromkeys(scores, 0)
    while True:
        found = race(
            {n: scores[n][:count] for n, count in seeds.items()}, looks, lower_is_better=True
        )
        if found.over:
            return found.alive, seeds
        assert found.seeds != seeds, "a race that waits for nothing never ends"
        seeds = dict(found.seeds)


@pytest.mark.parametrize(
    ("confirm", "looks"),
    [
        (Confirmation(seeds=5), (5,)),
        (Confirmation(seeds=3, max_seeds=3), (3,)),
        (Confirmation(seeds=3, max_seeds=12), (3, 5, 8, 12)),
        (Confirmation(seeds=2, max_seeds=6), (2, 3, 5, 6)),
    ],
)
def test_looks_lie_half_as_many_seeds_apart(confirm: Confirmation, looks: tuple[int, ...]) -> None:
    assert confirm.looks == looks


def test_a_race_begins_with_the_first_look_and_waits_for_all_of_its_runs() -> None:
    start = race({4: [], 7: []}, LOOKS, lower_is_better=True)
    assert (start.alive, start.seeds, start.over) == ((4, 7), {4: 3, 7: 3}, False)
    waits = race({4: [9.0, 9.1, 9.0], 7: [1.0, 1.1]}, LOOKS, lower_is_better=True)
    assert (waits.alive, waits.seeds, waits.over) == ((7, 4), {4: 3, 7: 3}, False)


def test_a_configuration_that_is_worse_leaves_and_gets_no_more_seeds() -> None:
    fresh = {1: [4.0, 4.4, 3.9], 2: [9.0, 9.1, 9.2], 3: [4.1, 3.5, 4.7]}
    found = race(fresh, LOOKS, lower_is_better=True)
    assert (found.alive, found.seeds, found.over) == ((1, 3), {1: 5, 2: 3, 3: 5}, False)
    assert race(fresh, LOOKS, lower_is_better=False).alive[0] == 2


def test_a_look_tells_apart_what_welchs_test_does_at_its_share_of_the_level() -> None:
    """Two others; the looks are at 3 and 12 seeds, so the first has a quarter of the level."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        samples = dict(enumerate(rng.normal([[10], [11.5], [13]], 1, (3, 3)).tolist()))
        best = min(samples, key=lambda trial: np.mean(samples[trial]))
        expected = {
            trial
            for trial, values in samples.items()
            if trial == best
            or stats.ttest_ind(samples[best], values, equal_var=False).pvalue >= LEVEL / 4 / 2
        }
        assert set(race(samples, [3, 12], lower_is_better=True).alive) == expected


def test_equal_configurations_end_the_race_when_no_difference_matters() -> None:
    """Means 10 and 10.01, standard deviation 0.1: far within a tenth after three seeds."""
    close = {1: [10.0, 10.1, 9.9], 2: [10.01, 10.11, 9.91]}
    assert ended(close) == ((1, 2), {1: 3, 2: 3})
    wide = {1: [10.0, 14.0, 6.0] * 4, 2: [10.1, 14.1, 6.1] * 4}
    assert ended(wide) == ((1, 2), {1: 12, 2: 12})


def test_failed_runs_and_single_configurations() -> None:
    assert ended({1: [5.0, 5.1, 5.0, 5.2, 5.1], 2: [4.0, None, 4.1, 4.0, 4.0]})[0] == (1,)
    assert ended({1: [5.0, 5.1, 5.0]}) == ((1,), {1: 3})
    both = {1: [5.0, None, 5.0], 2: [None, None, 9.0]}
    assert race(both, [3], lower_is_better=True).alive == (1, 2)
    none = {1: [None, None], 2: [None, None]}
    assert race(none, [2], lower_is_better=True).over


@pytest.mark.parametrize("spread", [0.06, 0.2])
def test_the_best_leaves_a_race_in_at_most_half_of_the_level(spread: float) -> None:
    """Three configurations, the best of them by a hair (the hardest case), log-normal scores."""
    rng, number, lost, runs = np.random.default_rng(1), scaled(2_000), 0, 0
    for _ in range(number):
        logs = rng.normal([[0.0], [1e-6], [1e-6]], spread, (3, LOOKS[-1]))
        alive, seeds = ended(dict(enumerate(np.exp(logs).tolist())))
        lost += 0 not in alive
        runs += sum(seeds.values())
    # Three standard errors of a share of LEVEL / 2.
    assert lost / number <= LEVEL / 2 + 3 * np.sqrt(LEVEL / 2 * (1 - LEVEL / 2) / number)
    assert runs / number <= 3 * LOOKS[-1]


def test_seeds_go_where_they_decide() -> None:
    """Of three, one is far off, and two differ by twice their spread; all seeds would be 36."""
    rng, runs = np.random.default_rng(2), []
    for _ in range(200):
        logs = rng.normal([[0.0], [0.2], [1.5]], 0.1, (3, LOOKS[-1]))
        _, seeds = ended(dict(enumerate(np.exp(logs).tolist())))
        assert seeds[2] <= 5
        runs.append(sum(seeds.values()))
    assert np.mean(runs) < 24
