"""How long a plan will still take: its search and the confirmation after it, from what has ended.

A session takes an opening (processes, data, classifier), a trial a start (networks, compilation)
and then a time for each image, reports included. All three are taken from what has ended and from
what runs, so that pruned trials are worth what they saw. What is to come is laid on the workers
trial by trial. Three things are not known before the end: how fast the machine will be, how much
trials that may be pruned will see, and how many seeds the race of the confirmation will ask for;
they make the range that is told.
"""

from __future__ import annotations

import heapq
import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.core.spec.arms import Arms
from harness.core.spec.search_spec import MEDIAN_STARTUP_TRIALS
from harness.core.spec.study_spec import StudySpec

USUAL_SHARE = 0.65
"""The share of the budget that trials see on average where a pruner may stop them.

It was 0.61 in the recorded study mnist_small, by Hyperband, and 0.72 in a quickstart, by the median
after its first trials; counts as USUAL_TRIALS trials.
"""

USUAL_TRIALS = 4

SHARE_SPREAD = 0.35
"""Standard deviation of that share between trials: 0.38 and 0.28 in the same studies."""

FADING = 0.8
"""The weight of a trial's speed beside that of the next one: machines get slower and faster."""

PACE_SPREAD = 0.05
"""Least relative deviation of the pace to come from the one so far."""

SURE = 1.28
"""Standard deviations beyond both ends of the race: four cases of five of a normal distribution."""

CERTAIN = 1.35
"""The largest ratio of the ends of a range for which one number is told."""


@dataclass(frozen=True)
class Left:
    """The time left lies between ``low`` and ``high`` seconds in four cases of five or more."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The one number to tell, in seconds."""
        return (self.low + self.high) / 2

    @property
    def certain(self) -> bool:
        """Whether one number says enough."""
        return self.high <= CERTAIN * self.low or self.high < 20


@dataclass
class RunningTrial:
    """A trial that runs now: its budget in images, when it began, and how far it is.

    start: seconds until its first images, None before them. before: images of the checkpoint that
    it resumed, which it has not trained here.
    """

    images: int
    began: float
    images_seen: int = 0
    start: float | None = None
    before: float = 0.0

    def seen(self, images_seen: int, images_per_second: float, now: float) -> None:
        """Note that ``images_seen`` images were trained at that pace until ``now``."""
        if self.start is None and images_per_second > 0:
            spent = now - self.began
            here = min(images_seen, spent * images_per_second)
            self.start = spent - here / images_per_second
            self.before = images_seen - here
        self.images_seen = max(self.images_seen, images_seen)

    def pace(self, now: float) -> float | None:
        """Seconds for each image since its start, reports included; None before its first images.

        None also for a trial that has trained nothing here, because an earlier run is taken.
        """
        if self.start is None or self.images_seen <= self.before:
            return None
        return max(0.0, now - self.began - self.start) / (self.images_seen - self.before)


@dataclass(frozen=True)
class _Ended:
    """What one ended trial says of those to come."""

    images: int
    share: float
    start: float
    pace: float


@dataclass
class TimeLeft:
    """The time left of a plan, told of every session's opening and every trial's progress and end.

    workers: how many trials run at once. sessions: trials of each session that follows for certain.
    maybe: those of each session that the race of the confirmation may ask for after them. pruned:
    whether trials of this study may be pruned, those after the first ``spared`` ones.
    """

    workers: int = 1
    sessions: tuple[int, ...] = ()
    maybe: tuple[int, ...] = ()
    pruned: bool = False
    spared: int = 0
    _looks: tuple[int, ...] = ()
    _openings: list[float] = field(default_factory=list)
    _ended: list[_Ended] = field(default_factory=list)

    @classmethod
    def of(cls, spec: StudySpec, workers: int = 1) -> TimeLeft:
        """That of a search with the confirmation that ``spec`` declares."""
        spared = MEDIAN_STARTUP_TRIALS if spec.search.pruner == "median" else 0
        time = cls(workers, pruned=spec.search.pruner != "none", spared=spared)
        if spec.confirm:
            time._looks = spec.confirm.looks
            top = min(spec.confirm.top, spec.search.num_trials)
            time.sessions = (top * time._looks[0],)
            time.maybe = time._later(top, time._looks[0])
        return time

    def confirm(self, arms: Arms) -> None:
        """A session of the confirmation begins: ``arms`` with the seeds that each is to have."""
        seeds = [arms.seeds_of(name) for name in arms.names]
        self.sessions, self.pruned = (), False
        self.maybe = self._later(seeds.count(max(seeds)), max(seeds))

    def opened(self, seconds: float) -> None:
        """Learn that a session took so long until its first trial began."""
        self._openings.append(seconds)

    def add(self, trial: RunningTrial, seconds: float) -> None:
        """Learn from a trial that ended after ``seconds``; from one that trained here alone."""
        pace = trial.pace(trial.began + seconds)
        if pace is not None:
            share = trial.images_seen / trial.images
            self._ended.append(_Ended(trial.images, share, trial.start or 0.0, pace))

    def left(self, running: Sequence[RunningTrial], to_come: int, now: float) -> Left | None:
        """The time until the last trial of the plan ends; None while nothing is known.

        to_come: trials of this session that wait.
        """
        paces = [(one.pace, FADING**age) for age, one in enumerate(reversed(self._ended), start=1)]
        paces += [
            (pace, trial.images_seen / trial.images)
            for trial in running
            if (pace := trial.pace(now)) is not None
        ]
        if not paces or not (running or to_come):
            return None
        pace = sum(one * weight for one, weight in paces) / sum(weight for _, weight in paces)
        images = statistics.fmean([one.images for one in self._ended or running])
        whole = self._start(running) + pace * images
        lengths = self._lengths(running, to_come, whole, pace * images)
        rests = [self._rest(trial, pace, now) for trial in running]
        session = _span(rests, lengths, self.workers)
        certain = session + sum(self._session(trials, whole) for trials in self.sessions)
        most = certain + sum(self._session(trials, whole) for trials in self.maybe)
        spread = _deviation(paces)
        luck = self._luck(running, to_come) * pace * images / max(self.workers, len(running))
        low = certain - SURE * math.hypot(spread * certain, luck)
        return Left(max(0.0, low), most + SURE * math.hypot(spread * most, luck))

    def _later(self, alive: int, seeds: int) -> tuple[int, ...]:
        """Trials of each look after that with ``seeds``, if all that are ``alive`` stay."""
        looks = [look for look in self._looks if look >= seeds] if alive > 1 else []
        return tuple(alive * (after - before) for before, after in itertools.pairwise(looks))

    def _session(self, trials: int, whole: float) -> float:
        """Seconds of a session of that many trials, none of which is pruned."""
        # The first session of this process also loads TensorFlow; workers load it every time.
        known = self._openings if self.workers > 1 else self._openings[1:]
        opening = known[-1] if known else 0.0
        if self.workers > 1 and self._ended:  # the first trial of each worker compiles again
            starts = [one.start for one in self._ended]
            opening += max(0.0, starts[0] - statistics.median(starts))
        return opening + math.ceil(trials / self.workers) * whole

    def _start(self, running: Sequence[RunningTrial]) -> float:
        """Seconds before the first images of a trial: the median, since the first ones compile."""
        starts = [one.start for one in self._ended]
        starts = starts or [trial.start for trial in running if trial.start is not None]
        return statistics.median(starts) if starts else 0.0

    def _spared_of(self, running: Sequence[RunningTrial], to_come: int) -> int:
        """How many of the trials to come cannot be pruned."""
        if not self.pruned:
            return to_come
        return min(to_come, max(0, self.spared - len(self._ended) - len(running)))

    def _lengths(
        self, running: Sequence[RunningTrial], to_come: int, whole: float, training: float
    ) -> list[float]:
        """Seconds of each trial of this session that waits."""
        spared = self._spared_of(running, to_come)
        seen = [one.share for one in self._ended[self.spared :]]
        share = (USUAL_TRIALS * USUAL_SHARE + sum(seen)) / (USUAL_TRIALS + len(seen))
        expected = whole - (1.0 - share) * training
        return [whole] * spared + [expected] * (to_come - spared)

    def _rest(self, trial: RunningTrial, pace: float, now: float) -> float:
        """Seconds left of a running trial: to the share of the budget at which such trials end."""
        shares = [one.share for one in self._ended if self.pruned]
        seen = trial.images_seen / trial.images
        longer = [share for share in shares if share > seen]
        end = statistics.fmean(longer) if longer else 1.0
        own = trial.pace(now) or pace  # the more it has seen, the more its own pace says
        rest = max(0.0, end - seen) * trial.images * (own * seen + pace * (1.0 - seen))
        return rest if trial.images_seen else max(0.0, trial.began + self._start(()) - now) + rest

    def _luck(self, running: Sequence[RunningTrial], to_come: int) -> float:
        """Standard deviation of what this session's trials will still see, in whole budgets."""
        if not self.pruned:
            return 0.0
        free = max(0, len(running) - max(0, self.spared - len(self._ended)))
        rests = sorted(1.0 - trial.images_seen / trial.images for trial in running)
        open_ = to_come - self._spared_of(running, to_come)
        known = USUAL_TRIALS + max(0, len(self._ended) - self.spared)
        variance = open_ + open_**2 / known + sum(rest**2 for rest in rests[len(rests) - free :])
        return SHARE_SPREAD * math.sqrt(variance)


def _deviation(paces: Sequence[tuple[float, float]]) -> float:
    """Relative deviation of the pace to come, from (pace, weight) of what was.

    That of single trials: a machine that gets slower does so for all that follow, so that the mean
    of many is known no better.
    """
    total = sum(weight for _, weight in paces)
    average = sum(value * weight for value, weight in paces) / total
    if average == 0.0:
        return PACE_SPREAD
    squares = sum(weight * (value / average - 1.0) ** 2 for value, weight in paces)
    return math.hypot(PACE_SPREAD, math.sqrt(squares / total))


def _span(rests: Sequence[float], lengths: Sequence[float], workers: int) -> float:
    """Seconds until all is done: whoever is free takes the next of ``lengths``."""
    ends = [*rests, *[0.0] * (workers - len(rests))]
    heapq.heapify(ends)
    for length in lengths:
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)
