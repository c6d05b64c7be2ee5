"""What a search tells while it runs; a display, a test or nobody may listen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.config import TrialConfig
from harness.core.schema import FinalState


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended: its state, its objective value if it has one, a reason if it has none."""

    number: int
    state: FinalState
    value: float | None
    reason: str
    wall_seconds: float


class SearchObserver:
    """Listens to a search; every method may be overridden, none has to be."""

    def message(self, text: str) -> None:
        """Something a person should know, one line."""

    def search_started(self, study_name: str, done: int, total: int) -> None:
        """``done`` of ``total`` trials are there already."""

    def standing(self, done: int, total: int) -> None:
        """The study has ``done`` of ``total`` trials now, whoever ran them."""

    def worker(self, number: int) -> SearchObserver:
        """Who listens to worker ``number`` where several tell of their trials; here: the same."""
        return self

    def trial_started(self, number: int, config: TrialConfig) -> None:
        """Trial ``number`` begins to train."""

    def training(self, images_seen: int, images_per_second: float) -> None:
        """The running trial has seen ``images_seen`` images; called every few seconds."""

    def scored(self, images_seen: int, scores: Mapping[str, float]) -> None:
        """The running trial was scored at a milestone."""

    def trial_ended(self, end: TrialEnd) -> None:
        """A trial reached its final state."""
