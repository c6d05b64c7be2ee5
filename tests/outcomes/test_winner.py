"""The winner of a search: who it is, who cannot be told apart from it, and what they share."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from harness.core.spec.search_space import Choices, Range
from harness.outcomes.race import LEVEL
from harness.outcomes.winner import Candidate, Winner, find_winner

SPACE = {
    "optimizer": Choices(("adam", "lion")),
    "learning_rate": Range(1e-4, 1e-2, log=True),
    "leaky_slope": Range(0.0, 0.4),
}


def candidate(
    trial: int, score: float, fresh: tuple[float, ...] = (), failed: int = 0, **values: object
) -> Candidate:
    own = {"optimizer": "adam", "learning_rate": 1e-3, "leaky_slope": 0.1, **values}
    return Candidate(trial, score, own, (*fresh, *[None] * failed))


def winner(*candidates: Candidate, lower: bool = True) -> Winner:
    """The winner at one look, after as many seeds as the one with fewest has."""
    look = min((len(one.fresh) for one in candidates if one.fresh), default=1)
    found = find_winner(candidates, SPACE, looks=[look], lower_is_better=lower)
    assert found is not None
    return found


def test_without_a_trial_there_is_none() -> None:
    assert find_winner([], SPACE, looks=[2], lower_is_better=True) is None


def test_the_best_score_wins_and_those_within_a_tenth_of_it_are_alike() -> None:
    scores = {0: 5.0, 1: 4.0, 2: 4.39, 3: 4.41, 4: 4.2}
    found = winner(*(candidate(number, score) for number, score in scores.items()))
    assert (found.trial, found.value, found.num_seeds, found.compared) == (1, 4.0, 0, 5)
    assert found.alike == (4, 2)
    assert winner(candidate(0, 0.5), candidate(1, 0.9), lower=False).trial == 1


def test_fresh_seeds_decide_and_the_score_of_the_search_does_not() -> None:
    """1.0 wins the search; trained again it is far worse than trial 2, and trial 0 was not."""
    trials = [candidate(0, 2.0), candidate(1, 1.0, (9.0, 9.1)), candidate(2, 3.0, (4.0, 4.2))]
    found = winner(*trials)
    assert (found.trial, found.num_seeds, found.compared, found.alike) == (2, 2, 2, ())
    assert found.value == pytest.approx(4.1)
    assert winner(*trials, lower=False).trial == 1


def test_alike_is_what_welchs_test_does_not_tell_apart() -> None:
    """At 5 %; with three configurations, two tests, at 2.5 % each."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        one, two, three = rng.normal(10, 1, (3, rng.integers(2, 9))).tolist()
        for others in ([two], [two, three]):
            found = winner(
                candidate(0, 0.0, one), *(candidate(n, 0.0, x) for n, x in enumerate(others, 1))
            )
            best = min([one, *others], key=np.mean)
            level = 0.05 / len(others)
            expected = sum(
                stats.ttest_ind(best, other, equal_var=False).pvalue >= level
                for other in [one, *others]
                if other is not best
            )
            assert len(found.alike) == expected


def test_those_that_left_the_race_are_not_alike() -> None:
    """Trial 1 is told apart after two seeds; trials 0 and 2 go on and stay alike."""
    trials = [
        candidate(0, 1.0, (4.0, 4.1, 4.0)),
        candidate(1, 1.0, (9.0, 9.1)),
        candidate(2, 1.0, (4.0, 4.2, 3.8)),
    ]
    found = find_winner(trials, SPACE, looks=[2, 3], lower_is_better=True)
    assert found is not None
    assert (found.trial, found.alike, found.num_seeds, found.compared) == (2, (0,), 3, 3)


def test_two_equal_configurations_are_told_apart_in_a_twentieth_of_all_cases() -> None:
    """Normal scores, five seeds each; Welch keeps its level to within a percentage point."""
    rng, number = np.random.default_rng(1), 2_000
    apart = sum(
        not winner(*(candidate(n, 0.0, tuple(rng.normal(10, 1, 5))) for n in range(2))).alike
        for _ in range(number)
    )
    # Standard error sqrt(0.05 * 0.95 / 2000) = 0.0049.
    assert apart / number < LEVEL + 0.0049 * 3


def test_few_seeds_equal_seeds_and_failed_runs() -> None:
    assert winner(candidate(0, 1.0, (4.0,)), candidate(1, 1.0, (90.0,))).alike == (1,)
    assert winner(candidate(0, 1.0, (4.0, 4.0)), candidate(1, 1.0, (4.0, 4.0))).alike == (1,)
    assert winner(candidate(0, 1.0, (4.0, 4.0)), candidate(1, 1.0, (5.0, 5.0))).alike == ()
    failing = winner(candidate(0, 1.0, (4.0, 4.1), 1), candidate(1, 1.0, (5.0, 5.1, 5.2)))
    assert (failing.trial, failing.alike, failing.num_seeds) == (1, (), 3)
    nothing = winner(candidate(0, 1.0, (), 2), candidate(1, 1.0, (5.0, 5.1)))
    assert (nothing.trial, nothing.compared) == (1, 1)


def test_what_alike_trials_share_is_a_value_or_numbers_close_to_each_other() -> None:
    """A quarter of two decades is 10^0.5 = 3.16; a quarter of 0 to 0.4 is 0.1."""
    close = candidate(1, 1.05, learning_rate=3.1e-3, leaky_slope=0.21)
    found = winner(candidate(0, 1.0), close)
    assert found.shared == {"optimizer": "adam", "learning_rate": (1e-3, 3.1e-3)}
    found = winner(candidate(0, 1.0), candidate(1, 1.05, optimizer="lion", learning_rate=3.2e-3))
    assert found.shared == {"leaky_slope": 0.1}
    unknown = candidate(1, 1.05, learning_rate=None, leaky_slope=None, optimizer=None)
    assert winner(candidate(0, 1.0), unknown).shared == {}
    assert winner(candidate(0, 1.0), candidate(1, 9.0)).shared == {}


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        (
            [candidate(4, 3.14159)],
            "Trial 4 is the only one that was completed, with a fid of 3.142.",
        ),
        (
            [candidate(4, 3.0), candidate(5, 9.0)],
            "Trial 4 is the best of 2 completed trials, with a fid of 3.",
        ),
        (
            [candidate(n, 3.0 + n / 100, optimizer="adam") for n in range(6)],
            "Trials 0, 1, 2, 3 and 2 more cannot be told apart by one seed each; trial 0 has the "
            "best fid, 3. They share optimizer adam, learning_rate 0.001 and leaky_slope 0.1.",
        ),
        (
            [candidate(4, 3.0, (3.5, 3.7))],
            "Trial 4 was confirmed, with a mean fid of 3.6 over 2 fresh seeds.",
        ),
        (
            [candidate(4, 3.0, (3.5, 3.7)), candidate(2, 1.0, (8.5, 8.7))],
            "Trial 4 is the best of 2 confirmed configurations, with a mean fid of 3.6 over 2 "
            "fresh seeds.",
        ),
        (
            [
                candidate(4, 3.0, (3.5, 3.7), learning_rate=1e-4, leaky_slope=0.0),
                candidate(2, 1.0, (3.5, 3.9), optimizer="lion", leaky_slope=0.4),
            ],
            "Trials 4 and 2 cannot be told apart on 2 fresh seeds; trial 4 has the best mean fid, "
            "3.6. They have no searched value in common.",
        ),
    ],
)
def test_it_is_said_in_words(candidates: list[Candidate], words: str) -> None:
    found = winner(*candidates)
    assert found.words("fid") == words
    plain = json.loads(json.dumps(found.to_dict("fid"), allow_nan=False))
    assert (plain["words"], plain["trial"], plain["alike"]) == (
        words,
        found.trial,
        list(found.alike),
    )


def test_a_value_that_is_not_finite_is_null() -> None:
    assert winner(candidate(0, math.inf)).to_dict("fid")["value"] is None
