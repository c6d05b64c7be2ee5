"""How long a plan will still take: its search and the confirmation after it, from what has ended.

A trial takes a start (networks, compilation) and then a time for each image, reports included. Both
are taken from the trials that have ended and from those that run, so that pruned trials are worth
what they saw, and the confirmation, whose trials are never pruned, is expected at full length.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.core.spec.search_spec import MEDIAN_STARTUP_TRIALS
from harness.core.spec.study_spec import StudySpec

USUAL_SHARE = 0.6
"""The share of the budget that trials see on average where a pruner may stop them.

It was 0.62 in the recorded study mnist_small, by Hyperband, and counts as USUAL_TRIALS trials.
"""

USUAL_TRIALS = 4

FADING = 0.8
"""The weight of a trial's speed beside that of the next one: machines get slower and faster."""


@dataclass
class RunningTrial:
    """A trial that runs now: its budget in images, when it began, and how far it is.

    start: seconds until its first images, None before them.
    """

    images: int
    began: float
    images_seen: int = 0
    start: float | None = None

    def seen(self, images_seen: int, images_per_second: float, now: float) -> None:
        """Note that ``images_seen`` images were trained at that pace until ``now``."""
        if self.start is None and images_per_second > 0:
            spent = now - self.began
            self.start = max(0.0, spent - (images_seen - self.images_seen) / images_per_second)
        self.images_seen = max(self.images_seen, images_seen)

    def pace(self, now: float) -> float | None:
        """Seconds for each image since its start, reports included; None before its first images.

        A trial that resumed a checkpoint has trained fewer images here than it has seen, which
        makes the pace too fast until the trial ends.
        """
        if not self.images_seen:
            return None
        return max(0.0, now - self.began - (self.start or 0.0)) / self.images_seen


@dataclass(frozen=True)
class _Ended:
    """What one ended trial says of those to come."""

    images: int
    images_seen: int
    start: float
    seconds: float


@dataclass
class TimeLeft:
    """The time left of a plan, told of every trial's start, images and end.

    expected: trials of the confirmation that is to follow, 0 without one and once it has begun.
    pruned: whether trials of this study may be pruned, those after the first ``spared`` ones.
    """

    expected: int = 0
    pruned: bool = False
    spared: int = 0
    _ended: list[_Ended] = field(default_factory=list)

    @classmethod
    def of(cls, spec: StudySpec) -> TimeLeft:
        """That of a search with the confirmation that ``spec`` declares."""
        expected = spec.confirm.top * spec.confirm.seeds if spec.confirm else 0
        spared = MEDIAN_STARTUP_TRIALS if spec.search.pruner == "median" else 0
        return cls(expected, spec.search.pruner != "none", spared)

    def confirm(self) -> None:
        """The search is over; the trials that were expected are those of the study from now on."""
        self.expected, self.pruned = 0, False

    def add(self, trial: RunningTrial, seconds: float) -> None:
        """Learn from a trial that ended after ``seconds``."""
        if trial.images_seen:
            start = min(trial.start or 0.0, seconds)
            self._ended.append(_Ended(trial.images, trial.images_seen, start, seconds))

    def seconds(self, running: Sequence[RunningTrial], to_come: int, now: float) -> float | None:
        """Seconds until the last trial of the plan ends; None while nothing is known.

        to_come: trials of this study that wait. As many run at once as run now, fewer in the end.
        """
        pace = self._pace(running, now)
        if pace is None or not running:
            return None
        start = self._start(running)
        rests = [self._rest(trial, pace, start, now) for trial in running]
        images = statistics.fmean(trial.images for trial in (self._ended or running))
        whole = start + pace * images
        spared = min(to_come, max(0, self.spared - len(self._ended) - len(running)))
        waves = spared * whole + (to_come - spared) * (start + pace * images * self._share())
        search = max((sum(rests) + waves) / len(running), max(rests))
        if not self.expected:
            return search
        return search + whole * self.expected / min(len(running), self.expected)

    def _pace(self, running: Sequence[RunningTrial], now: float) -> float | None:
        """Seconds for each image: of all that has ended, the last ones most; else of what runs."""
        if self._ended:
            weights = [FADING**age for age in range(len(self._ended))][::-1]
            paces = [(one.seconds - one.start) / one.images_seen for one in self._ended]
            return statistics.fmean(paces, weights)
        paces = [pace for trial in running if (pace := trial.pace(now)) is not None]
        return statistics.fmean(paces) if paces else None

    def _start(self, running: Sequence[RunningTrial]) -> float:
        """Seconds before the first images of a trial: the median, since the first ones compile."""
        starts = [one.start for one in self._ended]
        starts = starts or [trial.start for trial in running if trial.start is not None]
        return statistics.median(starts) if starts else 0.0

    def _share(self) -> float:
        """The share of the budget that trials to come will see: what is usual, and what was."""
        if not self.pruned:
            return 1.0
        seen = [one.images_seen / one.images for one in self._ended[self.spared :]]
        return (USUAL_TRIALS * USUAL_SHARE + sum(seen)) / (USUAL_TRIALS + len(seen))

    def _rest(self, trial: RunningTrial, pace: float, start: float, now: float) -> float:
        """Seconds left of a running trial: to the share of the budget at which such trials end."""
        shares = [one.images_seen / one.images for one in self._ended if self.pruned]
        seen = trial.images_seen / trial.images
        longer = [share for share in shares if share > seen]
        end = statistics.fmean(longer) if longer else 1.0
        own = trial.pace(now) or pace  # the more it has seen, the more its own pace says
        rest = max(0.0, end - seen) * trial.images * (own * seen + pace * (1.0 - seen))
        return rest if trial.images_seen else max(0.0, trial.began + start - now) + rest
