"""Trials that cost nothing: a trainer that trains nothing, for tests of what is around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from harness.search.trial import objective
from harness.training.loop import Progress


class IdleTrainer:
    """A trainer that trains nothing and generates black images, white ones without averaging."""

    train_seconds = 1.0
    images_seen = 0
    variables = ()

    def __init__(self, config: object, dataset: object) -> None:
        self.config = config

    def __enter__(self) -> IdleTrainer:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def run(self, milestones: Sequence[int], on_call: object) -> Iterator[Progress]:
        for self.images_seen in milestones:
            yield Progress(self.images_seen, {"d_loss": 1.0})

    def generate(self, count: int) -> np.ndarray:
        return np.zeros((count, 28, 28, 1), np.uint8)

    def generate_raw(self, count: int) -> np.ndarray:
        return np.full((count, 28, 28, 1), 255, np.uint8)


def train_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every trial of this process train nothing and keep no generator."""
    monkeypatch.setattr(objective, "Trainer", IdleTrainer)
    monkeypatch.setattr(objective, "_log_generator", lambda trainer, dataset, run: None)
