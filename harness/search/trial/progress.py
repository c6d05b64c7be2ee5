"""The progress of one trial: its milestones and its checkpoint, so that another process resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.data.record_file import RecordError
from harness.training.checkpoint import CheckpointFile, Schedule, Snapshot, size_of
from harness.training.loop import Trainer

_GRID = "grid-{:04d}"


@dataclass(frozen=True)
class Milestone:
    """What was seen after ``images_seen`` images: means of training, scores, a grid as PNG.

    grid is None for a milestone of another run, which has the grid.
    """

    images_seen: int
    training: dict[str, float]
    scores: dict[str, float]
    grid: bytes | None


class TrialProgress:
    """How far a trial is: milestones ``behind`` and ``ahead``, seconds spent, checkpoint.

    wall_seconds and eval_seconds include what the interrupted trial had spent at the checkpoint
    that this one resumed; ``resumed_at`` is the images_seen of that checkpoint, else None, and
    ``resumed_under`` what was different when it was made, such as ("threads",).
    """

    def __init__(
        self,
        trainer: Trainer,
        milestones: Sequence[int],
        file: CheckpointFile | None,
        began: float,
        say: Callable[[str], None],
    ) -> None:
        """Before the first of ``milestones``, for a trial that ``began`` then (perf_counter).

        ``file`` None keeps no checkpoint; ``say`` gets messages for a person.
        """
        self.behind: list[Milestone] = []
        self.eval_seconds = 0.0
        self.resumed_at: int | None = None
        self.resumed_under: tuple[str, ...] = ()
        self._trainer = trainer
        self._milestones = milestones
        self._file = file
        self._say = say
        self._schedule = Schedule(size_of(trainer.variables))
        self._seconds_before = 0.0
        self._began = began

    @property
    def ahead(self) -> list[int]:
        """The milestones that were not scored yet."""
        return list(self._milestones[len(self.behind) :])

    @property
    def scores(self) -> dict[str, float]:
        """The scores of the last milestone; empty before the first."""
        return dict(self.behind[-1].scores) if self.behind else {}

    @property
    def wall_seconds(self) -> float:
        """Seconds spent on this trial, by all processes whose work is in it."""
        return self._seconds_before + time.perf_counter() - self._began

    def resume(self) -> None:
        """Restore the checkpoint, if there is a valid one; else start at the beginning.

        A file that is not valid is set aside, and ``say`` gets the reason.
        """
        if self._file is None:
            return
        try:
            snapshot = self._file.load()
            if snapshot is not None:
                self._restore(snapshot)
                self._tell(self._file.differences)
        except RecordError as error:
            aside = self._file.set_aside()
            self._say(f"checkpoint not used: {error}; set aside as {aside}, starting over")

    def save(self, *, at_milestone: bool) -> None:
        """Write a checkpoint if one is due; a failure to write is a message, not an error."""
        if self._file is None or not self._schedule.is_due(at_milestone=at_milestone):
            return
        try:
            with self._schedule.timing():
                self._file.save(self._snapshot())
        except OSError as error:
            self._say(f"no checkpoint of this trial: {error.strerror or error}")

    def _snapshot(self) -> Snapshot:
        training = self._trainer.snapshot()
        grids = {
            _GRID.format(index): np.frombuffer(milestone.grid or b"", np.uint8)
            for index, milestone in enumerate(self.behind)
        }
        recorded = [
            {"images_seen": m.images_seen, "training": m.training, "scores": m.scores}
            for m in self.behind
        ]
        record: dict[str, Any] = {
            "training": training.record,
            "milestones": recorded,
            "wall_seconds": self.wall_seconds,
            "eval_seconds": self.eval_seconds,
        }
        return Snapshot({**training.arrays, **grids}, record)

    def _restore(self, snapshot: Snapshot) -> None:
        arrays, record = dict(snapshot.arrays), snapshot.record
        grids = [arrays.pop(_GRID.format(i)).tobytes() for i in range(len(record["milestones"]))]
        self._trainer.restore(Snapshot(arrays, record["training"]))
        self.behind = [
            Milestone(**recorded, grid=grid)
            for recorded, grid in zip(record["milestones"], grids, strict=True)
        ]
        self.eval_seconds = record["eval_seconds"]
        self._seconds_before = record["wall_seconds"]
        self.resumed_at = self._trainer.images_seen

    def _tell(self, differences: tuple[str, ...]) -> None:
        """Say where the trial resumes, and which conditions are not those of before."""
        self.resumed_under = differences
        self._say(
            f"resuming at {self.resumed_at:,} images, from the checkpoint of an interrupted trial"
        )
        if differences:
            self._say(
                f"made under other or unrecorded conditions ({', '.join(differences)}): the scores "
                "will not be exactly those of an undisturbed trial"
            )
