"""Trials that train nothing and score what a test says, with a count of how often each was trained.

For tests of the commands around the training: a trial takes a part of a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.data.dataset import Dataset
from harness.search.trial import runner, setup
from harness.training.loop import Progress
from tests.support.no_training import IdleTrainer

Key = tuple[float, int]
"""The slope of LeakyReLU, by which a test's arms differ, and the seed."""


class ScoredArms:
    """Stands in for training and scoring, once ``install`` was called.

    begun, ended: how often the trial of each slope and seed was trained, from its first step and to
    its end. rates: how often to its end by learning rate, slope and seed. interrupt_at: the numbers
    of training runs, from 1, during which Ctrl-C comes.
    """

    def __init__(self, fid: Callable[[TrialConfig], float]) -> None:
        self.begun, self.ended = Counter[Key](), Counter[Key]()
        self.rates = Counter[tuple[float, float, int]]()
        self.interrupt_at: set[int] = set()
        self.absent: dict[str, str] = {}
        self._fid = fid
        self._config = TrialConfig()
        self._trained = False

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stub = self

        class ScoredTrainer(IdleTrainer):
            def __init__(self, config: TrialConfig, dataset: object) -> None:
                super().__init__(config, dataset)
                stub._config, stub._trained = config, False

            def run(self, milestones: Sequence[int], on_call: object) -> Iterator[Progress]:
                key = stub._config.leaky_slope, stub._config.seed
                stub.begun[key] += 1
                stub._trained = True
                if stub.begun.total() in stub.interrupt_at:
                    raise KeyboardInterrupt
                yield from super().run(milestones, on_call)
                stub.ended[key] += 1
                stub.rates[round(stub._config.learning_rate, 9), *key] += 1

        monkeypatch.setattr(runner, "Trainer", ScoredTrainer)
        monkeypatch.setattr(setup, "Trainer", ScoredTrainer)
        monkeypatch.setattr(runner.TrialRunner, "_checkpoint_file", lambda self, config: None)
        monkeypatch.setattr(runner, "_log_generator", lambda trainer, dataset, run: None)
        # There are no networks to free, and to look for them takes longer than all else.
        monkeypatch.setattr(runner.gc, "collect", lambda: 0)
        monkeypatch.setattr(setup, "prepare_evaluator", self._prepared)

    seed = 0
    metrics = ("fid",)

    def _prepared(self, spec: object, dataset: Dataset, *others: object) -> ScoredArms:
        self.dataset = dataset
        return self

    @property
    def scale(self) -> dict[str, Any]:
        return {"fid": {"perfect": None, "null_level": None}}

    def score(self, images: np.ndarray) -> dict[str, float]:
        return {"fid": self._fid(self._config) if self._trained else 400.0}

    def nearest_training(self, images: np.ndarray) -> None:
        return None

    def describe(self) -> dict[str, Any]:
        record = {"direction": "minimize", "low": 0.0, "high": None, "unit": "", "summary": ""}
        return {"metrics": {"fid": {**record, "source": "a test"}}}
