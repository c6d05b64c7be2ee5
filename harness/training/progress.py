"""What training tells of itself: the means over one reporting interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP_METRICS = ("d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy")


@dataclass(frozen=True)
class Progress:
    """What one reporting interval showed.

    images_seen: the milestone; the images actually seen differ from it by less than a batch.
    metrics: means over the interval's steps of d_loss and g_loss, d_real_accuracy and
    d_fake_accuracy (in [0, 1]), and images_per_second.
    """

    images_seen: int
    metrics: dict[str, float]


@dataclass
class Interval:
    """The interval that is under way: its steps, their seconds, the sums of STEP_METRICS."""

    steps: int = 0
    seconds: float = 0.0
    sums: tuple[float, ...] = (0.0,) * len(STEP_METRICS)

    def add(self, steps: int, seconds: float, sums: NDArray[np.float64]) -> None:
        """Count another call."""
        self.steps += steps
        self.seconds += seconds
        self.sums = tuple(np.add(self.sums, sums).tolist())

    def metrics(self, images_per_step: int) -> dict[str, float]:
        """The metrics of ``Progress``."""
        means = {
            name: total / self.steps for name, total in zip(STEP_METRICS, self.sums, strict=True)
        }
        return {**means, "images_per_second": self.steps * images_per_step / self.seconds}
