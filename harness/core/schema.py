"""The names of everything stored in ``mlruns/``.

The producing packages (search, training, evaluation, tracking) write under these names, and
reporting reads them: neither side spells a name itself.
"""

from __future__ import annotations

from enum import StrEnum


class FinalState(StrEnum):
    """Final state of a trial, as Optuna names it."""

    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAIL = "FAIL"


RUN_STATUS = {
    FinalState.COMPLETE: "FINISHED",
    FinalState.PRUNED: "FINISHED",
    FinalState.FAIL: "FAILED",
}
"""Trial state -> status of the trial's MLflow run; the tag ``outcome`` parts the first two."""

OUTCOME = {
    FinalState.COMPLETE: "complete",
    FinalState.PRUNED: "pruned",
    FinalState.FAIL: "failed",
}
"""Trial state -> tag ``outcome`` of the trial's MLflow run."""


def final_state(status: object, outcome: object) -> FinalState | None:
    """The state of the trial whose run has that status and tag ``outcome``; None while it runs.

    Runs of earlier versions have no such tag: those of pruned trials were KILLED.
    """
    if status == "KILLED" or (status == "FINISHED" and outcome == OUTCOME[FinalState.PRUNED]):
        return FinalState.PRUNED
    if status == "FINISHED":
        return FinalState.COMPLETE
    return FinalState.FAIL if status == "FAILED" else None


class RunKind(StrEnum):
    """What an MLflow run stands for: tag ``kind``."""

    STUDY = "study"
    TRIAL = "trial"


class Tag(StrEnum):
    """Tags of MLflow runs."""

    KIND = "kind"
    STUDY_NAME = "study_name"
    TRIAL_NUMBER = "trial_number"  # also a metric, so that the UI can chart it
    OUTCOME = "outcome"  # of a trial that has ended: "complete", "pruned", "failed"
    FAILURE = "failure"  # short reason why a trial is FAIL
    PRUNED_BY = "pruned_by"  # "pruner" or "collapse"
    ALARM = "alarm"  # of a trial that was scored last as such: COLLAPSED or POOR
    ARM = "arm"  # name of the trial's arm, in a study that compares arms
    RETRY_OF = "retry_of"  # number of the interrupted trial whose configuration this one repeats
    RESUMED_AT = "resumed_at"  # images_seen at which this trial resumed an interrupted one
    RESUMED_UNDER = "resumed_under"  # what was different before it resumed: "threads", "cpu", ...
    TRAINS = "trains"  # of a completed trial: sha256 of what it trained and how it was scored
    REUSED_FROM = "reused_from"  # run id of the trial that trained this, where this one did not
    WINNER = "winner"  # of a study's run: number of the trial whose configuration it recommends
    WINNER_ALIKE = "winner_alike"  # trials that cannot be told apart from it: "4, 7"; "" for none
    VIEW = "view"  # of an experiment: which of its shared views this project has made
    PARENT = "mlflow.parentRunId"
    NOTE = "mlflow.note.content"


class StudyAttribute(StrEnum):
    """User attributes of a study in Optuna's storage."""

    SPEC = "spec"  # StudySpec.to_dict()
    DATASET = "dataset_fingerprint"
    WEIGHTS = "extractor_weights"  # sha256 of the extractor's weight file, where one was named
    UNTRAINED = "untrained"  # scores of an untrained generator: {metric: value}
    SCALE = "scale"  # metric -> {"perfect": value, "null_level": value or None}
    WINNER = "winner"  # the tags of the winner, once they stand in MLflow
    DESCRIBED = "described"  # sha256 of the descriptions that MLflow has
    REGISTERED = "registered"  # number of the trial that MLflow's registry has as the winner
    OPEN = "open"  # true until the end of the session was written to MLflow


class TrialAttribute(StrEnum):
    """User attributes of a trial in Optuna's storage; three are tags of its MLflow run too."""

    WORKER = "worker"  # name of the worker that runs the trial
    SCORES = "scores"  # metric -> final value
    FAILURE = Tag.FAILURE
    PRUNED_BY = Tag.PRUNED_BY
    RETRY_OF = Tag.RETRY_OF


CONFIG_ID = "config_id"
"""Param: what a trial's seeds share, so that the MLflow UI can group them."""

INTERRUPTED = "interrupted"
"""Value of the tag ``failure`` of a trial ended by Ctrl-C, a kill or an outage; not counted."""

PRUNED_BY_PRUNER = "pruner"
PRUNED_BY_COLLAPSE = "collapse"

COLLAPSE_PROBABILITY = "collapse_probability"
"""Name of the collapse alarm's score, in [0, 1]; its record holds the threshold of the alarm."""

POOR_PROBABILITY = "poor_probability"
"""How probable it is, in [0, 1], that images which have not collapsed are poor; level likewise."""

COLLAPSED = "collapsed"
POOR = "poor: classes not readable"
"""What the alarm says of a generator: values of the tag ``alarm``, words of pages and terminal."""

CLASSIFICATION_ACCURACY_SCORE = "classification_accuracy_score"
AUGMENTATION_GAIN = "augmentation_gain"
REAL_ACCURACY = "real_accuracy"
CLASSIC_ACCURACY = "classic_accuracy"
GENERATED_ACCURACY = "generated_accuracy"
TRAINING_VALUE_SCORES = (
    CLASSIFICATION_ACCURACY_SCORE,
    AUGMENTATION_GAIN,
    REAL_ACCURACY,
    CLASSIC_ACCURACY,
    GENERATED_ACCURACY,
)
"""Value of a conditional generator's images for training a classifier, logged at trial's end."""

TRAINING_METRICS = (
    "d_loss",
    "g_loss",
    "d_real_accuracy",
    "d_fake_accuracy",
    "images_per_second",
)
"""Logged at every reporting interval, step = images_seen. Accuracies in [0, 1], losses in the
unit of the loss: nats for those of entropies."""

SYSTEM_METRICS = "system/"
"""Before the name of each metric of the machine, as MLflow names it; step = number of the sample.

No score and nothing of training: reports, curves and the reuse of runs leave them out.
"""

FID_LATE = "fid_late"
"""Geometric mean of ``fid`` over the late reports; at a trial's end, those of its last quarter."""

FID_LATE_SPREAD = "fid_late_spread"
"""Standard deviation of log ``fid`` over the same reports."""

FID_RAW = "fid_raw"
"""Final ``fid`` of the generator as it is trained, where the trial's is an average of it."""

FID_DEBIASED = "fid_debiased"
"""Estimate of ``fid`` without its sample-size bias, logged with its interval."""

SCORE_INTERVALS = {FID_DEBIASED: ("fid_low", "fid_high"), "kid": ("kid_low", "kid_high")}
"""Score -> names of the ends of its 95 % interval, logged with the score.

An interval is about new samples of images alone, of the same generator.
"""

BEST = "best_"
"""Before the study's metric: a metric of the study's run, the best value by trial number."""

TIME_METRICS = ("wall_seconds", "train_seconds", "eval_seconds")
"""Logged once, when a trial ends, in seconds.

A trial that resumed an interrupted one includes the time spent until the checkpoint.
"""

# Artifacts of a trial run, as paths below the run's artifact root.
SAMPLES_FOLDER = "samples"  # samples/<images_seen>.png, nine digits, zero-padded
INTERPOLATION_FILE = "interpolation.png"  # rows of eight: from one latent vector to another
NEAREST_TRAINING_FILE = "nearest_training.png"  # sample, nearest training image, sample, ...
NEAREST_TRAINING_RECORD_FILE = "nearest_training.json"  # their distances
GENERATOR_FILE = "generator.keras"
GENERATOR_RECORD_FILE = "generator.json"  # its pixel scaling and the shares of its labels
CONFIG_FILE = "config.json"
ENVIRONMENT_FILE = "environment.json"

# Artifacts of a study (parent) run.
STUDY_FILE = "study.json"  # StudySpec.to_dict() plus what it resolved to
EVALUATION_FILE = "evaluation.json"  # dataset, reference classifier, sample sizes, metric records
FID_INTERVAL = "fid_interval"  # entry of EVALUATION_FILE: what the interval covers, or why none is
REAL_SAMPLES_FILE = "samples/real.png"
UNTRAINED_FILE = "untrained.json"  # scores of an untrained generator: {metric: value}
PIXELS_FILE = "pixels.json"  # what each scaling does to the pixels, where a study varies it


def sample_path(images_seen: int) -> str:
    """The artifact path of the sample grid drawn after ``images_seen`` training images."""
    return f"{SAMPLES_FOLDER}/{images_seen:09d}.png"
