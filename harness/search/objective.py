"""One trial: trained, scored at every milestone, tracked, in one final state for both stores."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import optuna
import tensorflow as tf

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.errors import DivergedError
from harness.core.schema import Tag, TrialState
from harness.core.study_file import StudySpec
from harness.data.dataset import Dataset
from harness.evaluation.collapse import LEVEL
from harness.evaluation.evaluate import Evaluator
from harness.search.collapse_alarm import CollapseAlarm
from harness.search.observer import SearchObserver, TrialEnd
from harness.search.space import arm_name, config_of, distributions, suggest
from harness.tracking.image_grid import grid_png
from harness.tracking.tracker import StudyTracker, TrialRun, failure_reason
from harness.training.loop import Trainer

GRID_IMAGES = 64
FAILURES = (DivergedError, tf.errors.ResourceExhaustedError)
"""What ends a trial as FAIL and lets the study go on; anything else is a defect and stops it."""

Report = Callable[[float, int], None]
"""Called with (value of the study's metric, images_seen) at a milestone; may raise TrialPruned."""


class TrialCollapsed(optuna.TrialPruned):
    """The collapse alarm stayed up: to Optuna the trial is pruned, the tag says by what."""


class TrialRunner:
    """Trains, scores and tracks configurations of one study, one after the other."""

    def __init__(
        self,
        spec: StudySpec,
        dataset: Dataset,
        evaluator: Evaluator,
        tracker: StudyTracker,
        observer: SearchObserver,
        environment: Mapping[str, object],
    ) -> None:
        """Everything that the trials of a study share."""
        self.spec = spec
        self.dataset = dataset
        self.evaluator = evaluator
        self.tracker = tracker
        self.observer = observer
        self.environment = dict(environment)

    def run(
        self, number: int, config: TrialConfig, report: Report, tags: Mapping[str, str]
    ) -> dict[str, float]:
        """Run one trial to its end and return its final scores.

        TrialPruned, KeyboardInterrupt and every other exception end the tracked run in the state
        that Optuna gives the trial, with the reason in a tag, and are raised again.
        """
        self.observer.trial_started(number, config)
        began = time.perf_counter()
        value, reason, state = None, "", TrialState.FAIL
        try:
            with self.tracker.start_trial(number, config, tags) as run:
                scores = self._train_and_score(config, run, report, began)
                run.finish(TrialState.COMPLETE)
                value, state = scores[self.spec.search.metric], TrialState.COMPLETE
        except optuna.TrialPruned as pruned:
            reason, state = _pruned_by(pruned), TrialState.PRUNED
            raise
        except BaseException as error:
            reason = failure_reason(error)
            raise
        finally:
            seconds = time.perf_counter() - began
            self.observer.trial_ended(TrialEnd(number, state, value, reason, seconds))
            keras.backend.clear_session()  # drops the trial's graphs, else memory grows by trial
            gc.collect()
        return scores

    def _train_and_score(
        self, config: TrialConfig, run: TrialRun, report: Report, began: float
    ) -> dict[str, float]:
        run.log_json(schema.CONFIG_FILE, config.to_dict())
        run.log_json(schema.ENVIRONMENT_FILE, self.environment)
        trainer = Trainer(config, self.dataset)
        milestones = self.spec.milestones(config.images)
        alarm = CollapseAlarm(config.images, LEVEL) if self.spec.search.collapse_alarm else None
        scores: dict[str, float] = {}
        eval_seconds = 0.0
        try:
            for progress in trainer.run(milestones, self.observer.training):
                scoring_began = time.perf_counter()
                images = trainer.generate(self.spec.num_samples)
                scores = self.evaluator.score(images)
                eval_seconds += time.perf_counter() - scoring_began
                run.log_metrics({**progress.metrics, **scores}, progress.images_seen)
                grid = grid_png(images[:GRID_IMAGES])
                run.log_image(schema.sample_path(progress.images_seen), grid)
                self.observer.scored(progress.images_seen, scores)
                report(scores[self.spec.search.metric], progress.images_seen)
                if alarm is not None and alarm.stays_up(
                    progress.images_seen, scores[schema.COLLAPSE_PROBABILITY]
                ):
                    raise TrialCollapsed
            _log_generator(trainer, run)
        except optuna.TrialPruned as pruned:
            self._log_times(run, trainer, began, eval_seconds)
            run.finish(TrialState.PRUNED, {Tag.PRUNED_BY: _pruned_by(pruned)})
            raise
        except BaseException:
            self._log_times(run, trainer, began, eval_seconds)
            raise
        self._log_times(run, trainer, began, eval_seconds)
        return scores

    def _log_times(
        self, run: TrialRun, trainer: Trainer, began: float, eval_seconds: float
    ) -> None:
        seconds = (time.perf_counter() - began, trainer.train_seconds, eval_seconds)
        times = dict(zip(schema.TIME_METRICS, seconds, strict=True))
        run.log_metrics(times, trainer.images_seen)


class Objective:
    """The function that Optuna optimizes: suggests a configuration and runs it."""

    def __init__(self, runner: TrialRunner) -> None:
        """Let ``runner`` run the trials."""
        self._runner = runner
        self._distributions = distributions(runner.spec)

    def __call__(self, trial: optuna.Trial) -> float:
        """The final value of the study's metric; TrialPruned if pruner or alarm stop the trial."""
        spec = self._runner.spec
        params = suggest(trial, self._distributions)
        retry_of = trial.user_attrs.get(Tag.RETRY_OF)
        tags = {} if retry_of is None else {Tag.RETRY_OF.value: str(retry_of)}
        if spec.arms:
            tags[Tag.ARM.value] = arm_name(spec, params)
        config = config_of(spec, params)

        def report(value: float, images_seen: int) -> None:
            trial.report(value, images_seen)
            if images_seen < config.images and trial.should_prune():
                raise optuna.TrialPruned

        try:
            scores = self._runner.run(trial.number, config, report, tags)
        except optuna.TrialPruned as pruned:
            trial.set_user_attr(Tag.PRUNED_BY, _pruned_by(pruned))
            raise
        except BaseException as error:
            trial.set_user_attr(Tag.FAILURE, failure_reason(error))
            raise
        trial.set_user_attr("scores", scores)
        return scores[spec.search.metric]


def _pruned_by(pruned: optuna.TrialPruned) -> str:
    collapsed = isinstance(pruned, TrialCollapsed)
    return schema.PRUNED_BY_COLLAPSE if collapsed else schema.PRUNED_BY_PRUNER


def _log_generator(trainer: Trainer, run: TrialRun) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / schema.GENERATOR_FILE
        trainer.networks.generator.save(path)
        run.log_file(schema.GENERATOR_FILE, path)
