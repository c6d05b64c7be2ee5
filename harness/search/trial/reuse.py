"""Runs that the store holds already: a trial that would train the same takes their figures.

Studies share configurations: every claim compares something with the same plain DCGAN. What such a
trial would train is found by its identity, whatever study trained it first.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.schema import Tag
from harness.core.spec.study_spec import StudySpec
from harness.data.record_file import canonical
from harness.evaluation.evaluator import Evaluator
from harness.outcomes.run_table import read_run_table
from harness.search.trial.progress import Milestone
from harness.tracking.tracker import StudyTracker, TrainedRun, TrialRun

VERSION = 1
"""To be raised by whoever changes what a configuration trains to, or how images are scored."""

TABLE_RUN = "table-"
"""What the name of a run of a table begins with, in the place of a run id of the store."""

_NOT_OF_MILESTONES = (schema.FID_RAW, *schema.TRAINING_VALUE_SCORES)
"""Scores of the end of a trial, logged after its last report."""


@dataclass(frozen=True)
class Reused:
    """A completed trial of another study: its ``run``, its milestones, the scores of its end."""

    run: TrainedRun
    milestones: tuple[Milestone, ...]
    final: dict[str, float]

    def write(self, run: TrialRun, write: Callable[[Milestone], None]) -> dict[str, float]:
        """Let ``run`` point to the reused one and ``write`` its milestones; the final scores.

        Raises TrialPruned where a milestone does: the pruner asks as if it were trained now.
        """
        run.add_tags({Tag.REUSED_FROM: self.run.run_id})
        for milestone in self.milestones:
            write(milestone)
        run.log_metrics(self.final, self.milestones[-1].images_seen)
        return {**self.milestones[-1].scores, **self.final}


class Reuse:
    """Finds completed trials that trained what a trial of this study would train.

    ``enabled`` False finds none, but tells identities all the same.
    """

    def __init__(
        self,
        spec: StudySpec,
        evaluator: Evaluator,
        tracker: StudyTracker,
        *,
        enabled: bool = True,
        tables: Sequence[Path] = (),
    ) -> None:
        """For the trials of ``spec``, scored by ``evaluator``.

        Runs are found by ``tracker``, else in the first of the ``tables`` of runs that has them.
        Raises InputError for a table that cannot be read.
        """
        self._spec = spec
        self._tracker = tracker
        self._enabled = enabled
        self._tables = {path: read_run_table(path) for path in tables} if enabled else {}
        self._scored_by = {
            "version": VERSION,
            "dataset": evaluator.dataset.fingerprint,
            "extractor": spec.extractor.name,
            "weights": spec.extractor.weights_sha256(),
            "num_samples": spec.num_samples,
            "seed": evaluator.seed,
            "metrics": sorted(evaluator.metrics),
        }

    def identity(self, config: TrialConfig) -> str:
        """The sha256 of what a trial of ``config`` trains and how it is scored.

        Its configuration with the seed, the data, extractor, sample size, metrics, the images after
        which it reports, and VERSION. Processor and threads are not in it: they change the last
        digits of a sum, and with them a run, as another seed does.
        """
        milestones = self._spec.milestones(config.images)
        trains = {**self._scored_by, "config": config.identity(), "milestones": milestones}
        return hashlib.sha256(canonical(trains)).hexdigest()

    def find(self, config: TrialConfig) -> Reused | None:
        """The trial that has trained ``config`` already; None without one that is whole."""
        if not self._enabled:
            return None
        identity = self.identity(config)
        found = self._tracker.find_trained(identity) or self._from_table(identity)
        if found is None:
            return None
        needed = ("fid", self._spec.search.metric)
        milestones = []
        for images_seen in self._spec.milestones(config.images):
            at = _at(found, images_seen)
            if not all(name in at for name in needed) or not all(map(math.isfinite, at.values())):
                return None
            milestones.append(_milestone(images_seen, at))
        end = _at(found, config.images)
        final = {name: end[name] for name in _NOT_OF_MILESTONES if name in end}
        return Reused(found, tuple(milestones), final)

    def _from_table(self, identity: str) -> TrainedRun | None:
        for path, runs in self._tables.items():
            if identity in runs:
                history = runs[identity].history
                return TrainedRun(f"{TABLE_RUN}{identity[:12]}", str(path), history)
        return None


def _at(run: TrainedRun, images_seen: int) -> dict[str, float]:
    """What ``run`` has logged after ``images_seen`` images."""
    return {k: values[images_seen] for k, values in run.history.items() if images_seen in values}


def _milestone(images_seen: int, values: Mapping[str, float]) -> Milestone:
    """The milestone of these logged ``values``, without its grid, which the other run has."""
    left_out: tuple[Any, ...] = (*_NOT_OF_MILESTONES, *schema.TIME_METRICS, Tag.TRIAL_NUMBER)
    training = {name: values[name] for name in schema.TRAINING_METRICS if name in values}
    scores = {
        name: value
        for name, value in values.items()
        if name not in training and name not in left_out
    }
    return Milestone(images_seen, training, scores, None)
