"""The time left, against plans whose end is known."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.spec.study_spec import StudySpec
from harness.search.display.time_left import RunningTrial, TimeLeft

IMAGES = 1_000


class Plan:
    """Trials one after the other: a start, then a time for each image; most are pruned."""

    def __init__(self, seed: int, first: float = 0.0, num_trials: int = 12, confirm: int = 6):
        rng = np.random.default_rng(seed)
        shares = rng.choice([0.4, 0.6, 0.8, 1.0], num_trials, p=[0.3, 0.1, 0.1, 0.5])
        shares = [*[1.0] * 4, *shares[4:], *[1.0] * confirm]
        noise = rng.lognormal(0.0, 0.05, len(shares))
        self.starts = [3.0 + (first if number == 0 else 0.0) for number in range(len(shares))]
        self.rates = [0.02 * factor for factor in noise]
        self.shares, self.num_trials, self.confirm = shares, num_trials, confirm

    @property
    def lengths(self) -> list[float]:
        parts = zip(self.starts, self.rates, self.shares, strict=True)
        return [start + rate * share * IMAGES for start, rate, share in parts]

    def errors(self) -> list[float]:
        """Relative error of the time left in the middle of every trial, in their order."""
        time, now, found = TimeLeft(self.confirm, pruned=True, spared=4), 0.0, []
        for number, length in enumerate(self.lengths):
            if number == self.num_trials:
                time.confirm()
            trial, began = RunningTrial(IMAGES, now), now
            first = 10 / (1 / self.rates[number])
            trial.seen(10, 1 / self.rates[number], began + self.starts[number] + first)
            half = self.shares[number] / 2 * IMAGES
            now = began + self.starts[number] + half * self.rates[number]
            trial.seen(int(half), 1 / self.rates[number], now)
            waiting = self.num_trials - number - 1
            if number >= self.num_trials:
                waiting = len(self.lengths) - number - 1
            said = time.seconds([trial], waiting, now)
            true = sum(self.lengths[number:]) - (now - began)
            assert said is not None
            found.append(said / true - 1.0)
            now = began + length
            trial.seen(int(self.shares[number] * IMAGES), 1 / self.rates[number], now)
            time.add(trial, length)
        return found


def test_nothing_is_said_before_the_first_images():
    time = TimeLeft()
    assert time.seconds([], 3, 0.0) is None
    assert time.seconds([RunningTrial(IMAGES, 0.0)], 3, 5.0) is None


def test_trials_of_one_length_are_foretold_exactly():
    time = TimeLeft(expected=2)
    trial = RunningTrial(IMAGES, began=0.0)
    trial.seen(100, 50.0, 7.0)  # 2 s for 100 images, so that it began to train after 5 s
    assert trial.start == 5.0
    trial.seen(500, 50.0, 15.0)
    # 10 s are left of this one, 25 s for each of three more and of two that confirm
    assert time.seconds([trial], 3, 15.0) == pytest.approx(10 + 5 * 25)


def test_the_confirmation_is_expected_at_full_length_where_trials_are_pruned():
    time = TimeLeft(expected=2, pruned=True)
    for images_seen, seconds in ((1_000, 20.0), (400, 8.0)):
        ended = RunningTrial(IMAGES, 0.0)
        ended.seen(images_seen, 50.0, seconds)
        time.add(ended, seconds)
    trial = RunningTrial(IMAGES, began=100.0)
    trial.seen(500, 50.0, 110.0)
    # This one has passed 40 %: 10 s are left. One more sees (4 * 0.6 + 1.4) / 6 of its images, and
    # the two that confirm take 20 s each.
    assert time.seconds([trial], 1, 110.0) == pytest.approx(10 + 20 * 3.8 / 6 + 40)


def test_the_first_trials_of_a_median_pruner_are_expected_at_full_length():
    spec = StudySpec.from_dict({"question": "?", "search": {"pruner": "median"}}, name="s")
    time = TimeLeft.of(spec)
    trial = RunningTrial(IMAGES, began=0.0)
    trial.seen(500, 50.0, 10.0)
    # 10 s of this one, three more are spared, and two that may be pruned see 60 %
    assert time.seconds([trial], 5, 10.0) == pytest.approx(10 + 3 * 20 + 2 * 12)


def test_several_workers_share_what_is_left():
    time = TimeLeft(expected=1)
    for _ in range(2):
        ended = RunningTrial(IMAGES, 0.0)
        ended.seen(IMAGES, 50.0, 20.0)
        time.add(ended, 20.0)
    running = [RunningTrial(IMAGES, began=100.0) for _ in range(2)]
    for trial in running:
        trial.seen(500, 50.0, 110.0)
    # 10 s of both, four more of 20 s two at a time; one confirms, alone
    assert time.seconds(running, 4, 110.0) == pytest.approx(10 + 40 + 20)


@pytest.mark.parametrize("seed", range(5))
def test_from_the_third_trial_on_it_is_right_within_20_percent_on_average(seed: int):
    # The shares at which the eight later trials are pruned are luck, 0.76 on average with a
    # deviation of 0.28: their mean varies by 0.1, a sixth of the search or a tenth of the plan.
    errors = Plan(seed, first=10.0).errors()[2:]
    assert np.mean(np.abs(errors)) < 0.2
    assert abs(errors[-1]) < 0.2


def test_a_first_trial_that_compiles_does_not_lengthen_all_others():
    slow, usual = (Plan(0, first=first).errors()[3] for first in (30.0, 0.0))
    assert abs(slow - usual) < 0.05


def test_a_plan_expects_the_trials_that_confirm():
    confirm = {"top": 2, "seeds": 3}
    spec = StudySpec.from_dict({"question": "?", "space": {}, "confirm": confirm}, name="s")
    assert TimeLeft.of(spec).expected == 6
    assert TimeLeft.of(spec.replace(confirm=None)).expected == 0
