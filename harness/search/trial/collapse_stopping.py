"""When a trial is stopped because its generator has collapsed.

GANs score as collapsed early in training, slow ones for half of it, and then recover: so reports in
the first half of a trial's budget do not count, nor does a report that is the trial's best so far.
The rule was chosen on learning curves of MNIST trials, one of which scored as collapsed for three
quarters of its budget and then recovered.
"""

from __future__ import annotations

import math

FIRST_SHARE = 0.5
REPORTS_IN_A_ROW = 2


class CollapseAlarm:
    """The alarm of one trial: stays up after two consecutive reports without recovery."""

    def __init__(self, images: int, level: float) -> None:
        """For a trial of ``images`` training images; the alarm is up from ``level`` on."""
        self._images = images
        self._level = level
        self._in_a_row = 0
        self._lowest = math.inf

    def stays_up(self, images_seen: int, probability: float) -> bool:
        """Whether the trial is to be stopped at this report; never at its last.

        ``probability`` is the generator's ``collapse_probability`` after ``images_seen`` images.
        To be called with every report, in order.
        """
        recovering = probability < self._lowest
        self._lowest = min(self._lowest, probability)
        late = images_seen > FIRST_SHARE * self._images
        counts = late and probability >= self._level and not recovering
        self._in_a_row = self._in_a_row + 1 if counts else 0
        return self._in_a_row >= REPORTS_IN_A_ROW and images_seen < self._images
