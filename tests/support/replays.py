"""Plans whose end is known, played to the display: what is said of the time left, and the truth.

A plan is a list of sessions, each of trials that W workers take one after the other. A trial has a
start, images at a pace, and reports that cost time. ``recorded_quickstart`` and
``recorded_search`` are two plans as they ran; ``simulated_plan`` draws one, whose race of the
confirmation is run by ``harness.outcomes.race``.
"""

from __future__ import annotations

import heapq
import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console

from harness.core.config import TrialConfig
from harness.core.schema import FinalState
from harness.core.spec.arms import Arms
from harness.core.spec.study_spec import StudySpec
from harness.outcomes.race import race
from harness.search.display.events import (
    Event,
    StudyProgress,
    TrialFinished,
    TrialStarted,
    TrialTrained,
)
from harness.search.display.terminal import Display, PlanProgress
from harness.search.display.time_left import Left

IMAGES = 48_000


class Ran(NamedTuple):
    """A trial as it ran: seconds before its first images and in all, share of its budget."""

    start: float
    seconds: float
    share: float = 1.0


class Session(NamedTuple):
    """Seconds until the first trial begins, the trials in their order, the arms of a race."""

    opening: float
    trials: Sequence[Ran]
    arms: Arms | None = None


class Plan(NamedTuple):
    """A study and how it went."""

    spec: StudySpec
    workers: int
    sessions: Sequence[Session]


class Said(NamedTuple):
    """What was told after ``done`` of ``total`` seconds, in the plan's trial number ``trial``."""

    trial: int
    done: float
    total: float
    left: Left | None

    @property
    def truth(self) -> float:
        """Seconds that were left."""
        return self.total - self.done

    @property
    def right(self) -> bool:
        """Whether the truth lies in the range, or within 20 % of the number that is told."""
        assert self.left is not None
        inside = self.left.low <= self.truth <= self.left.high
        return inside or abs(self.left.middle - self.truth) <= 0.2 * self.truth


def replayed(plan: Plan, every: float = 0.02) -> list[Said]:
    """What the display says at each ``every`` share of the plan's time, while a trial trains."""
    progress, now, shown, told = PlanProgress.of(plan.spec, plan.workers), [0.0], 0, []
    total = sum(_length(session, plan.workers) for session in plan.sessions)
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    next_at, behind = every * total, 0.0
    for session in plan.sessions:
        if session.arms is not None:
            progress.confirm(plan.spec.search.num_trials, session.arms)
        display = Display(console, plan.spec, progress, lambda: now[0])
        display.show(StudyProgress(0, len(session.trials)))
        for at, event in _events(session, plan.workers):
            now[0] = behind + at
            display.show(event)
            shown += isinstance(event, TrialStarted)
            if now[0] >= next_at and isinstance(event, TrialTrained):
                told.append(Said(shown, now[0], total, display.time_left()))
                next_at += every * total
        behind += _length(session, plan.workers)
    return told


def _timetable(session: Session, workers: int) -> list[tuple[float, float]]:
    """(beginning, end) of each trial, from the session's beginning: whoever is free takes it."""
    free, table = [session.opening] * workers, []
    for trial in session.trials:
        began = heapq.heappop(free)
        table.append((began, began + trial.seconds))
        heapq.heappush(free, began + trial.seconds)
    return table


def _length(session: Session, workers: int) -> float:
    return max(end for _, end in _timetable(session, workers))


def _events(session: Session, workers: int) -> Iterator[tuple[float, Event]]:
    """The session's events in the order of their time; a tick for each hundredth of a budget."""
    found: list[tuple[float, int, Event]] = []
    for number, (trial, (began, end)) in enumerate(
        zip(session.trials, _timetable(session, workers), strict=True)
    ):
        found.append((began, 1, TrialStarted(number, TrialConfig(images=IMAGES))))
        training = trial.seconds - trial.start
        speed = trial.share * IMAGES / training / 0.85  # reports take some of the time
        ticks = max(2, round(100 * trial.share))
        for tick in range(1, ticks + 1):
            seen = round(tick / ticks * trial.share * IMAGES)
            first = seen / speed if tick == 1 else tick / ticks * training
            found.append((began + trial.start + first, 2, TrialTrained(number, seen, speed)))
        state = FinalState.COMPLETE if trial.share == 1.0 else FinalState.PRUNED
        value = 1.0 if state == FinalState.COMPLETE else None
        found.append((end, 0, TrialFinished(number, state, value, "", trial.seconds)))
    for at, _, event in sorted(found, key=lambda one: one[:2]):
        yield at, event


def quickstart(**search: object) -> StudySpec:
    """A search with the pruner and the confirmation of the quickstart."""
    tables = {"num_trials": 12, "pruner": "median", **search}
    confirm = {"top": 2, "seeds": 3, "max_seeds": 5}
    declared = {"question": "?", "search": tables, "confirm": confirm}
    space = {"leaky_slope": {"low": 0.0, "high": 0.4}}
    return StudySpec.from_dict({**declared, "space": space}, name="replayed")


def race_arms(top: int, seeds: int) -> Arms:
    """A race's arms, all with so many seeds."""
    return Arms({f"trial-{n:03d}": {"leaky_slope": 0.1 + 0.01 * n} for n in range(top)}, seeds)


def recorded_quickstart() -> Plan:
    """A quickstart by two workers on two cores, 2026-11-27: 12 trials, then 3 and 2 more seeds."""
    full = [66.6, 65.8, 61.5, 62.6, 60.9, 71.6, 64.8, 64.2]
    trials = [Ran(2.8, seconds + 0.8) for seconds in full]
    for seconds, share in ((23.2, 0.4), (22.5, 0.4), (34.1, 0.6), (25.9, 0.4)):
        trials.append(Ran(0.8, seconds + 0.8, share))
    # of the confirmation the lengths of the last five trials were printed
    first = [Ran(2.8, seconds + 0.8) for seconds in (62.0, 61.0, 60.0, 60.0, 59.0, 58.0)]
    second = [Ran(2.8, seconds + 0.8) for seconds in (63.0, 65.0, 63.0, 62.0)]
    arms = race_arms(2, 3), race_arms(2, 5)
    sessions = [
        Session(19.0, trials),
        Session(17.0, first, arms[0]),
        Session(17.0, second, arms[1]),
    ]
    return Plan(quickstart(), 2, sessions)


def recorded_search() -> Plan:
    """The study mnist_small, 2026-11-21: one worker, Hyperband, 22 trials, the first ones slow."""
    full, third, ninth = 1.0, 106_667 / 240_000, 26_667 / 240_000
    shares = [full, third, third, full, full, full, third, full, ninth, third, full]
    shares += [third, ninth, ninth, full, third, full, ninth, full, full, ninth, third]
    seconds = [299.5, 92.1, 136.2, 381.8, 386.8, 227.7, 104.3, 230.3, 27.8, 106.3, 230.0]
    seconds += [101.0, 28.1, 28.4, 241.1, 112.3, 222.1, 26.9, 241.7, 242.1, 27.8, 113.9]
    trials = [Ran(1.9, one + 1.0, share) for one, share in zip(seconds, shares, strict=True)]
    spec = quickstart(num_trials=22, pruner="hyperband").replace(confirm=None)
    return Plan(spec, 1, [Session(12.0, trials)])


def simulated_plan(seed: int, workers: int, *, apart: float, num_trials: int = 12) -> Plan:
    """A quickstart whose two best configurations differ by ``apart`` standard deviations.

    Each configuration has a pace of its own (10 %), each trial another 4 %. Half of the trials that
    may be pruned are, at 40, 60 or 80 % of their budget. The first trial compiles for 10 s more.
    """
    rng = np.random.default_rng(seed)
    spec, pace = quickstart(num_trials=num_trials), rng.uniform(20.0, 300.0)

    def ran(number: int, share: float) -> Ran:
        start = 3.0 + (10.0 if number < workers else 0.0)
        speed = rng.lognormal(0.0, 0.10) * rng.lognormal(0.0, 0.04)
        return Ran(start, start + pace * share * speed, share)

    shares = rng.choice([0.4, 0.6, 0.8, 1.0], num_trials, p=[0.25, 0.15, 0.1, 0.5])
    search = [ran(n, 1.0 if n < 4 else float(share)) for n, share in enumerate(shares)]
    sessions, fresh = [Session(15.0, search)], {trial: [] for trial in range(2)}
    means = {0: 3.0, 1: 3.0 + 0.3 * apart}
    while not (stand := race(fresh, spec.confirm.looks, lower_is_better=True)).over:
        wanted = max(stand.seeds.values())
        new = [(trial, n) for n in range(wanted) for trial in fresh if n >= len(fresh[trial])]
        for trial, _ in new:
            fresh[trial].append(float(rng.normal(means[trial], 0.3)))
        opening = 15.0 if workers > 1 else 2.0
        trials = [ran(number if workers > 1 else workers, 1.0) for number in range(len(new))]
        sessions.append(Session(opening, trials, race_arms(2, wanted)))
    return Plan(spec, workers, sessions)
