"""The time left, against plans whose end is known."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.spec.study_spec import StudySpec
from harness.search.display.terminal import left_words
from harness.search.display.time_left import (
    PACE_SPREAD,
    SURE,
    USUAL_SHARE,
    Left,
    RunningTrial,
    TimeLeft,
)
from tests.support.replays import (
    Plan,
    Said,
    quickstart,
    race_arms,
    recorded_quickstart,
    recorded_search,
    replayed,
    simulated_plan,
)

IMAGES = 1_000


def ended(time: TimeLeft, images_seen: int, seconds: float, start: float = 0.0) -> None:
    trial = RunningTrial(IMAGES, 0.0)
    pace = images_seen / (seconds - start)
    trial.seen(images_seen // 10, pace, start + (seconds - start) / 10)
    trial.seen(images_seen, pace, seconds)
    time.add(trial, seconds)


def half_done(now: float) -> RunningTrial:
    """A trial that has seen half of its images in the 10 s before ``now``."""
    trial = RunningTrial(IMAGES, began=now - 10.0)
    trial.seen(500, 50.0, now)
    return trial


def middle(time: TimeLeft, running: list[RunningTrial], to_come: int, now: float) -> float:
    left = time.left(running, to_come, now)
    assert left is not None
    return left.middle


def ends(left: Left | None) -> tuple[float, float]:
    assert left is not None
    return left.low, left.high


def at_thirds(plan: Plan) -> list[Said]:
    """What is said nearest to 1/3, 2/3 and 95 % of the plan's time, from its third trial on."""
    told = [one for one in replayed(plan, every=0.01) if one.trial >= 3]
    return [
        min(told, key=lambda one: abs(one.done / one.total - share))
        for share in (1 / 3, 2 / 3, 0.95)
    ]


def test_nothing_is_said_before_the_first_images():
    time = TimeLeft()
    assert time.left([], 3, 0.0) is None
    assert time.left([RunningTrial(IMAGES, 0.0)], 3, 5.0) is None


def test_trials_of_one_length_are_foretold_exactly():
    time = TimeLeft(sessions=(2,))
    trial = RunningTrial(IMAGES, began=0.0)
    trial.seen(100, 50.0, 7.0)  # 2 s for 100 images, so that it began to train after 5 s
    assert trial.start == 5.0
    trial.seen(500, 50.0, 15.0)
    # 10 s are left of this one, 25 s for each of three more and of two that confirm
    assert middle(time, [trial], 3, 15.0) == pytest.approx(10 + 5 * 25)


def test_the_confirmation_is_expected_at_full_length_where_trials_are_pruned():
    time = TimeLeft(sessions=(2,), pruned=True)
    ended(time, 1_000, 20.0)
    ended(time, 400, 8.0)
    # This one has passed 40 %: 10 s are left. One more sees the mean of what is usual and of what
    # was, four trials to two, and the two that confirm take 20 s each.
    expected = 10 + 20 * (4 * USUAL_SHARE + 1.4) / 6 + 40
    assert middle(time, [half_done(110.0)], 1, 110.0) == pytest.approx(expected)


def test_the_first_trials_of_a_median_pruner_are_expected_at_full_length():
    spec = StudySpec.from_dict({"question": "?", "search": {"pruner": "median"}}, name="s")
    # 10 s of this one, three more are spared, and two that may be pruned see the usual share
    expected = 10 + 3 * 20 + 2 * 20 * USUAL_SHARE
    assert middle(TimeLeft.of(spec), [half_done(10.0)], 5, 10.0) == pytest.approx(expected)


def test_several_workers_share_what_is_left():
    time = TimeLeft(workers=2, sessions=(1,))
    ended(time, IMAGES, 20.0)
    ended(time, IMAGES, 20.0)
    running = [half_done(110.0), half_done(110.0)]
    # 10 s of both, five more of 20 s two at a time, so that one waits; one confirms, alone
    assert middle(time, running, 5, 110.0) == pytest.approx(10 + 60 + 20)
    # between the end of one trial and the beginning of the next there is one, and still two workers
    assert middle(time, running[:1], 5, 110.0) == pytest.approx(60 + 20)


def test_each_session_of_workers_opens_and_compiles_again():
    time = TimeLeft(workers=2, sessions=(2,))
    time.opened(15.0)
    ended(time, IMAGES, 28.0, start=8.0)
    ended(time, IMAGES, 20.0)
    ended(time, IMAGES, 20.0)
    # 10 s of both; then 15 s to open, 8 s more than usual before the first images, 20 s to train
    assert middle(time, [half_done(110.0), half_done(110.0)], 0, 110.0) == pytest.approx(10 + 43)


def test_the_race_of_the_confirmation_makes_a_range():
    time = TimeLeft.of(quickstart(num_trials=4, pruner="none"))
    ended(time, IMAGES, 20.0)
    pace = SURE * PACE_SPREAD  # all trials were as fast so far
    # Between 3 and 5 seeds of two configurations: 6 to 10 runs of 20 s, and 10 s of this one.
    left = time.left([half_done(110.0)], 0, 110.0)
    assert ends(left) == pytest.approx(((10 + 120) * (1 - pace), (10 + 200) * (1 + pace)))
    time.confirm(race_arms(2, 3))
    left = time.left([half_done(110.0)], 5, 110.0)
    assert ends(left) == pytest.approx(((10 + 100) * (1 - pace), (10 + 100 + 80) * (1 + pace)))
    time.confirm(race_arms(2, 5))
    assert middle(time, [half_done(110.0)], 3, 110.0) == pytest.approx(10 + 60)


def test_a_configuration_that_left_the_race_is_not_expected_again():
    time = TimeLeft.of(quickstart())
    ended(time, IMAGES, 20.0)
    arms = race_arms(2, 3)
    time.confirm(type(arms)(arms.fields, {"trial-000": 5, "trial-001": 3}))
    assert middle(time, [half_done(110.0)], 1, 110.0) == pytest.approx(10 + 20)


def test_a_trial_that_was_trained_before_says_nothing_of_those_to_come():
    time = TimeLeft()
    taken = RunningTrial(IMAGES, 0.0)
    taken.seen(IMAGES, 0.0, 0.5)  # as its scores are copied
    time.add(taken, 0.5)
    assert time.left([RunningTrial(IMAGES, 1.0)], 3, 1.5) is None
    assert middle(time, [half_done(20.0)], 3, 20.0) == pytest.approx(10 + 60)


def test_a_resumed_trial_has_the_pace_of_what_it_trained_here():
    trial = RunningTrial(IMAGES, began=0.0)
    trial.seen(700, 50.0, 2.0)  # 100 images since its checkpoint of 600
    assert (trial.before, trial.start) == (600, 0.0)
    trial.seen(800, 50.0, 4.0)
    assert trial.pace(4.0) == pytest.approx(1 / 50)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (Left(118, 142), "about 2 min 10 s left"),
        (Left(500, 700), "8 to 12 min left"),
        (Left(900, 1_000), "about 16 min left"),
        (Left(31.5, 59.2), "31 to 60 s left"),
        (Left(2.5, 18.0), "about 10 s left"),
        (Left(9_000, 19_000), "2.5 to 5.5 h left"),
        (Left(7_300, 10_000), "2 to 3 h left"),
        (Left(1_700, 9_000), "up to 2.5 h left"),
    ],
)
def test_what_is_said_is_a_number_or_a_range(left: Left, words: str):
    assert left_words(left) == words


def test_of_a_recorded_quickstart_it_is_right_at_each_third():
    # The number alone of before was 7.6 min for 8.6 without further seeds and 10.5 with them.
    told = at_thirds(recorded_quickstart())
    assert [one.right for one in told] == [True] * 3
    assert told[0].left is not None
    assert told[0].left.high < 2.2 * told[0].left.low  # such as 5 to 10 min


def test_of_a_recorded_search_whose_first_trials_were_slow_it_is_right_in_most_cases():
    told = [one for one in replayed(recorded_search()) if one.trial >= 3]
    # Trials 3 to 5 took 1.7 times as long for each image as all later ones: while they alone are
    # known, about a third of the way, too much is expected.
    assert np.mean([one.right for one in told]) > 0.75


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("apart", [0.0, 8.0], ids=["long race", "short race"])
def test_of_simulated_plans_it_is_right_at_each_third(workers: int, apart: float):
    plans = [simulated_plan(seed, workers, apart=apart) for seed in range(6)]
    sessions = [len(plan.sessions) for plan in plans]
    assert (min(sessions) == 3) if apart == 0.0 else (max(sessions) == 2)
    told = [one for plan in plans for one in at_thirds(plan)]
    # At a rate of 0.95, 15 or more of 18 cases are right with a probability of 0.99.
    assert sum(one.right for one in told) >= 15


def test_a_first_trial_that_compiles_does_not_lengthen_all_others():
    found = []
    for first in (30.0, 0.0):
        time = TimeLeft()
        ended(time, IMAGES, 20.0 + first, start=first)
        for _ in range(2):
            ended(time, IMAGES, 20.0)
        found.append(middle(time, [half_done(200.0)], 10, 200.0))
    assert found[0] == pytest.approx(found[1])
