"""The events of a search: what a worker sends, what the terminal shows, what a test records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.core.config import TrialConfig
from harness.core.schema import FinalState


@dataclass(frozen=True)
class Message:
    """One line for a person; ``trial`` is the number of the trial that it is about, if any."""

    text: str
    trial: int | None = None


@dataclass(frozen=True)
class StudyProgress:
    """The study has ``done`` of ``total`` trials, whichever process ran them."""

    done: int
    total: int


@dataclass(frozen=True)
class TrialStarted:
    """Trial ``number`` begins to train ``config``."""

    number: int
    config: TrialConfig


@dataclass(frozen=True)
class TrialTrained:
    """Trial ``number`` has trained on ``images_seen`` images; sent every few seconds."""

    number: int
    images_seen: int
    images_per_second: float


@dataclass(frozen=True)
class TrialScored:
    """Trial ``number`` was scored at the milestone ``images_seen``: metric -> value."""

    number: int
    images_seen: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class TrialFinished:
    """Trial ``number`` ended in ``state``, after ``wall_seconds``.

    value: of the study's metric, None unless the trial is complete. reason: why a trial was pruned
    or failed, "" for a complete one.
    """

    number: int
    state: FinalState
    value: float | None
    reason: str
    wall_seconds: float


Event = Message | StudyProgress | TrialStarted | TrialTrained | TrialScored | TrialFinished

Listener = Callable[[Event], None]
"""Called with each event, in the order in which they happen."""
