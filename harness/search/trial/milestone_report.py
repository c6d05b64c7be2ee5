"""What is done with a milestone: written to both stores, then pruner and alarm are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import optuna

from harness.core import schema
from harness.search.trial.collapse_stopping import CollapseAlarm
from harness.search.trial.progress import Milestone
from harness.tracking.tracker import TrialRun

Report = Callable[[float, int], None]
"""Called with (value of the study's metric, images_seen) at a milestone; may raise TrialPruned."""


class TrialCollapsed(optuna.TrialPruned):
    """The collapse alarm stayed up: Optuna sees a pruned trial, the tag ``pruned_by`` says why."""


@dataclass(frozen=True)
class MilestoneReport:
    """Writes a milestone of a trial to both stores, then asks pruner and alarm.

    The alarm is asked at the milestones ``alarm_at``, which lie at equal distances: its rule counts
    reports in a row, and the late ones follow each other more closely.
    """

    run: TrialRun
    report: Report
    metric: str
    alarm: CollapseAlarm | None
    alarm_at: frozenset[int]

    def __call__(self, milestone: Milestone) -> None:
        """Log ``milestone`` to MLflow, report it to Optuna; TrialPruned if the trial is to stop."""
        images_seen, scores = milestone.images_seen, milestone.scores
        self.run.log_metrics({**milestone.training, **scores}, images_seen)
        if milestone.grid is not None:
            self.run.log_samples(milestone.grid, images_seen)
        probability = scores.get(schema.COLLAPSE_PROBABILITY)  # absent where there are no classes
        collapsed = False
        if self.alarm is not None and probability is not None and images_seen in self.alarm_at:
            collapsed = self.alarm.stays_up(images_seen, probability)
        self.report(scores[self.metric], images_seen)
        if collapsed:
            raise TrialCollapsed


def pruned_by(pruned: optuna.TrialPruned) -> str:
    """The value of the tag ``pruned_by`` of a trial that was stopped so."""
    collapsed = isinstance(pruned, TrialCollapsed)
    return schema.PRUNED_BY_COLLAPSE if collapsed else schema.PRUNED_BY_PRUNER
