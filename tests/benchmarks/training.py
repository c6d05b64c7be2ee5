"""This project's training loop, cut into rounds that take turns with other work."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from harness.core.config import TrialConfig
from harness.data.dataset import Dataset
from harness.training.loop import Trainer


def harness_loop(config: TrialConfig, dataset: Dataset, schedule: Sequence[int]) -> Iterator[None]:
    """Each ``next`` trains on as many images as ``schedule`` says for that round."""
    milestones = list(itertools.accumulate(schedule))
    for _ in Trainer(config, dataset).run(milestones):
        yield
