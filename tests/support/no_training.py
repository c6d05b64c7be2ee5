"""Trials that cost nothing: a trainer that trains nothing, for tests of what is around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.search.trial import runner
from harness.training.checkpoint import Snapshot
from harness.training.loop import Progress

Images = Callable[[TrialConfig, int], np.ndarray]
"""(configuration, count) -> uint8 images (count, 28, 28, 1), as a trained generator makes them."""


def black(config: TrialConfig, count: int) -> np.ndarray:
    """``count`` black images."""
    return np.zeros((count, 28, 28, 1), np.uint8)


class IdleTrainer:
    """A trainer that trains nothing and generates ``images``, white ones without averaging."""

    train_seconds = 1.0
    images_seen = 0
    variables = ()

    def __init__(self, config: TrialConfig, dataset: object, images: Images = black) -> None:
        self.config = config
        self._images = images

    def __enter__(self) -> IdleTrainer:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def run(self, milestones: Sequence[int], on_call: object) -> Iterator[Progress]:
        for self.images_seen in milestones:
            yield Progress(self.images_seen, {"d_loss": 1.0})

    def generate(self, count: int) -> np.ndarray:
        return self._images(self.config, count)

    def interpolate(self, ways: int, steps: int) -> np.ndarray:
        return self._images(self.config, ways * steps)

    def snapshot(self) -> Snapshot:
        """What the checkpoint of a trial holds that takes longer than expected."""
        return Snapshot({}, {})

    def generate_raw(self, count: int) -> np.ndarray:
        return np.full((count, 28, 28, 1), 255, np.uint8)


def train_nothing(monkeypatch: pytest.MonkeyPatch, images: Images = black) -> None:
    """Let every trial of this process train nothing, make ``images`` and keep no generator."""
    monkeypatch.setattr(runner, "Trainer", partial(IdleTrainer, images=images))
    monkeypatch.setattr(runner, "_log_generator", lambda trainer, dataset, run: None)
