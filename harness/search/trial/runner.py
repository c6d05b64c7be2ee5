"""One trial: trained, scored at every milestone, tracked, in one final state for both stores."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import optuna
import tensorflow as tf

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.errors import DivergedError
from harness.core.interruption import interruption
from harness.core.schema import FinalState, Tag
from harness.core.spec.milestones import even_milestones
from harness.core.spec.study_spec import StudySpec
from harness.data.dataset import Dataset, drawn
from harness.data.generator_record import generator_record
from harness.evaluation.evaluator import Evaluator
from harness.evaluation.students import Labelled
from harness.evaluation.training_value import num_generated, training_value
from harness.models.layers.saving import with_layers_of_keras
from harness.outcomes.alarm import LEVEL, alarm_word
from harness.outcomes.late import LATE_WORDS, late_scores
from harness.search.display.events import (
    Listener,
    Message,
    TrialFinished,
    TrialScored,
    TrialStarted,
    TrialTrained,
)
from harness.search.trial.collapse_stopping import CollapseAlarm
from harness.search.trial.last_images import log_last_images
from harness.search.trial.milestone_report import MilestoneReport, Report, pruned_by
from harness.search.trial.progress import Milestone, TrialProgress
from harness.search.trial.reuse import Reuse, Reused
from harness.tracking.environment import conditions
from harness.tracking.failures import failure_reason
from harness.tracking.image_grid import grid_png
from harness.tracking.tracker import StudyTracker, TrialRun
from harness.training.augmentation import classic
from harness.training.checkpoint import CheckpointFile
from harness.training.loop import Trainer
from harness.training.progress import Progress

GRID_IMAGES = 64
FAILURES = (DivergedError, tf.errors.ResourceExhaustedError)
"""Exceptions that end a trial as FAIL while the study continues; any other is a defect."""


class TrialRunner:
    """Trains, scores and tracks configurations of one study, one after the other."""

    def __init__(
        self,
        spec: StudySpec,
        dataset: Dataset,
        evaluator: Evaluator,
        tracker: StudyTracker,
        listen: Listener,
        environment: Mapping[str, object],
        checkpoint_dir: Path | None = None,
        reuse: Reuse | None = None,
    ) -> None:
        """Everything that the trials of a study share; None keeps no checkpoints, reuses no run."""
        self.spec = spec
        self.dataset = dataset
        self.evaluator = evaluator
        self.tracker = tracker
        self.listen = listen
        self.environment = dict(environment)
        self._checkpoint_dir = checkpoint_dir
        self._reuse = reuse

    def run(
        self, number: int, config: TrialConfig, report: Report, tags: Mapping[str, str]
    ) -> dict[str, float]:
        """Run one trial to its end and return its final scores.

        TrialPruned, KeyboardInterrupt and every other exception end the tracked run in the state
        that Optuna gives the trial, with the reason in a tag, and are raised again. A checkpoint of
        the configuration is resumed; it is kept if a person or a signal interrupts the trial, and
        removed at every other end. Nothing is trained where ``reuse`` finds a run.
        """
        self.listen(TrialStarted(number, config))
        file = self._checkpoint_file(config)
        began = time.perf_counter()
        value, reason, state = None, "", FinalState.FAIL
        try:
            with self.tracker.start_trial(number, config, tags) as run:
                data = self.dataset
                run.log_dataset(data.name, data.fingerprint, data.source)
                run.log_json(schema.CONFIG_FILE, config.to_dict())
                if reused := self._reuse and self._reuse.find(config):
                    scores, tags = self._take(number, config, reused, run, report), {}
                else:
                    run.log_json(schema.ENVIRONMENT_FILE, self.environment)
                    run.log_system_metrics()
                    with Trainer(config, self._drawn(config)) as trainer:
                        scores = self._train_and_score(number, trainer, run, report, file, began)
                    tags = {Tag.TRAINS: self._reuse.identity(config)} if self._reuse else {}
                run.finish(FinalState.COMPLETE, tags)
                value, state = scores[self.spec.search.metric], FinalState.COMPLETE
        except optuna.TrialPruned as pruned:
            reason, state = pruned_by(pruned), FinalState.PRUNED
            raise
        except BaseException as error:
            reason = failure_reason(error)
            raise
        finally:
            if file is not None and reason != schema.INTERRUPTED:
                file.remove()
            seconds = time.perf_counter() - began
            self.listen(TrialFinished(number, state, value, reason, seconds))
            gc.collect()  # frees networks that were built for it, else memory grows by trial
        return scores

    def _take(
        self, number: int, config: TrialConfig, reused: Reused, run: TrialRun, report: Report
    ) -> dict[str, float]:
        """The final scores of a trial that was trained before; pruner and alarm are asked anew."""
        source = reused.run
        text = f"trained before: run {source.run_id} of {source.study} is taken"
        self.listen(Message(text, number))
        write = self._milestone_report(config, run, report)

        def tell(milestone: Milestone) -> None:
            self.listen(TrialScored(number, milestone.images_seen, milestone.scores))
            write(milestone)

        try:
            scores = reused.write(run, tell)
        except optuna.TrialPruned as pruned:
            run.finish(FinalState.PRUNED, {Tag.PRUNED_BY: pruned_by(pruned)})
            raise
        run.add_tags({Tag.NOTE: _note(scores), **_alarm_tag(scores)})
        return scores

    def _milestone_report(
        self, config: TrialConfig, run: TrialRun, report: Report
    ) -> MilestoneReport:
        search = self.spec.search
        alarm = CollapseAlarm(config.images, LEVEL) if search.collapse_alarm else None
        alarm_at = frozenset(even_milestones(config.images, search.reports))
        return MilestoneReport(run, report, search.metric, alarm, alarm_at)

    def _train_and_score(
        self,
        number: int,
        trainer: Trainer,
        run: TrialRun,
        report: Report,
        file: CheckpointFile | None,
        began: float,
    ) -> dict[str, float]:
        config = trainer.config
        milestones = self.spec.milestones(config.images)
        progress = TrialProgress(
            trainer, milestones, file, began, lambda text: self.listen(Message(text, number))
        )
        write = self._milestone_report(config, run, report)

        def after_call(images_seen: int, images_per_second: float) -> None:
            self.listen(TrialTrained(number, images_seen, images_per_second))
            progress.save(at_milestone=False)
            interruption.check()

        try:
            _resume(progress, run, write)
            for interval in trainer.run(progress.ahead, after_call):
                milestone = self._score(trainer, interval, progress)
                self.listen(TrialScored(number, milestone.images_seen, milestone.scores))
                write(milestone)
                progress.save(at_milestone=True)
                interruption.check()
            final = {
                **self._raw_fid(trainer, progress),
                **self._training_value(number, trainer, progress),
            }
            run.log_metrics(final, config.images)
            run.add_tags({Tag.NOTE: _note(progress.scores), **_alarm_tag(progress.scores)})
            log_last_images(trainer, self.evaluator, run)
            _log_generator(trainer, self._drawn(config), run)
        except optuna.TrialPruned as pruned:
            _log_times(run, trainer, progress)
            tags = {Tag.PRUNED_BY: pruned_by(pruned), **_alarm_tag(progress.scores)}
            run.finish(FinalState.PRUNED, tags)
            raise
        except BaseException as error:
            try:
                _log_times(run, trainer, progress)
            except Exception as second:  # the first error is the one to be read
                error.add_note(f"The trial's times could not be written: {second}")
            raise
        _log_times(run, trainer, progress)
        return {**progress.scores, **final}

    def _score(self, trainer: Trainer, interval: Progress, progress: TrialProgress) -> Milestone:
        """The milestone at the end of ``interval``, scored and added to the trial's progress."""
        began = time.perf_counter()
        images = trainer.generate(self.spec.num_samples)
        scores = self.evaluator.score(images)
        course = [(one.images_seen, one.scores["fid"]) for one in progress.behind]
        course.append((interval.images_seen, scores["fid"]))
        scores = {**scores, **late_scores(course, trainer.config.images)}
        progress.eval_seconds += time.perf_counter() - began
        grid = grid_png(images[:GRID_IMAGES])
        milestone = Milestone(interval.images_seen, interval.metrics, scores, grid)
        progress.behind.append(milestone)
        return milestone

    def _drawn(self, config: TrialConfig) -> Dataset:
        """The dataset with the training images that a trial of ``config`` has."""
        return drawn(self.dataset, config.training_images, config.seed)

    def _raw_fid(self, trainer: Trainer, progress: TrialProgress) -> dict[str, float]:
        """``fid_raw`` of the last report; empty where the trial's generator is no average."""
        if not trainer.config.ema:
            return {}
        began = time.perf_counter()
        fid = self.evaluator.fid(trainer.generate_raw(self.spec.num_samples))
        progress.eval_seconds += time.perf_counter() - began
        return {schema.FID_RAW: fid}

    def _training_value(
        self, number: int, trainer: Trainer, progress: TrialProgress
    ) -> dict[str, float]:
        """What the trained generator's images are worth to a classifier; empty without labels."""
        config = trainer.config
        if config.conditional == "none":
            return {}
        began = time.perf_counter()
        self.listen(Message("training classifiers on generated images", number))
        dataset = self._drawn(config)
        images, labels = trainer.generate_labelled(num_generated(dataset), "classifiers")
        generated = Labelled(images, labels)
        scores = training_value(dataset, generated, classic, config.seed, config.images)
        progress.eval_seconds += time.perf_counter() - began
        return scores

    def _checkpoint_file(self, config: TrialConfig) -> CheckpointFile | None:
        """The checkpoint file of ``config``; None without a folder for checkpoints."""
        if self._checkpoint_dir is None:
            return None
        setting = {
            "milestones": self.spec.milestones(config.images),
            "evaluation": self.spec.to_dict()["evaluation"],
        }
        folder, name = self._checkpoint_dir, self.spec.name
        under = conditions(self.environment)
        return CheckpointFile(folder, name, config, self.dataset, setting, under)


def _resume(progress: TrialProgress, run: TrialRun, write: Callable[[Milestone], None]) -> None:
    """Resume from a checkpoint, if there is one, and write the milestones behind it again.

    The interrupted trial was not pruned at those milestones, so this one is not either.
    """
    progress.resume()
    if progress.resumed_at is not None:
        run.add_tags({Tag.RESUMED_AT: str(progress.resumed_at)})
    if progress.resumed_under:
        run.add_tags({Tag.RESUMED_UNDER: ", ".join(progress.resumed_under)})
    for milestone in progress.behind:
        with suppress(optuna.TrialPruned):
            write(milestone)


def _log_times(run: TrialRun, trainer: Trainer, progress: TrialProgress) -> None:
    seconds = (progress.wall_seconds, trainer.train_seconds, progress.eval_seconds)
    run.log_metrics(dict(zip(schema.TIME_METRICS, seconds, strict=True)), trainer.images_seen)


def _alarm_tag(scores: Mapping[str, float]) -> dict[str, str]:
    """The tag that says what the alarm makes of the generator; empty where it says nothing."""
    word = alarm_word(scores)
    return {Tag.ALARM: word} if word else {}


def _note(scores: Mapping[str, float]) -> str:
    """What the fids of a completed trial are about, for who looks at its run."""
    late, last = scores[schema.FID_LATE], scores["fid"]
    return f"fid_late {late:.4g}, fid of the last report {last:.4g}. {LATE_WORDS}"


def _log_generator(trainer: Trainer, dataset: Dataset, run: TrialRun) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / schema.GENERATOR_FILE
        with trainer.trial_generator() as generator:
            with_layers_of_keras(generator).save(path)
        run.log_generator(path, generator_record(trainer.config, dataset))
