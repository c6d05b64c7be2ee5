"""When a trial is stopped because its generator has collapsed.

GANs score as collapsed early in training, slow ones for half of it, and then recover: so reports in
the first half of a trial's budget do not count. Of those in the second half the last ones are
looked at, whatever was before: a trial that was healthy once can collapse and recover. What the
rule would have stopped is measured on trials that ran to their end,
``python -m harness.evidence.stopping``.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise

FIRST_SHARE = 0.5
WINDOW = 3
"""Reports that must all be up, none better than the one before it."""

BETTER = 0.01
"""How much lower the probability is at a report that is better: less is no recovery."""


class CollapseAlarm:
    """The alarm of one trial: stays up over ``WINDOW`` reports of which none is better."""

    def __init__(self, images: int, level: float) -> None:
        """For a trial of ``images`` training images; the alarm is up from ``level`` on."""
        self._images = images
        self._level = level
        self._late: deque[float] = deque(maxlen=WINDOW)

    def stays_up(self, images_seen: int, probability: float) -> bool:
        """Whether the trial is to be stopped at this report; never at its last.

        ``probability`` is the generator's ``collapse_probability`` after ``images_seen`` images.
        To be called with every report, in order.
        """
        if images_seen <= FIRST_SHARE * self._images:
            return False
        self._late.append(probability)
        up = len(self._late) == WINDOW and min(self._late) >= self._level
        better = any(now < before - BETTER for before, now in pairwise(self._late))
        return up and not better and images_seen < self._images
