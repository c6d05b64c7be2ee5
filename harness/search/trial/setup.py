"""What a study needs before its first trial: checked networks, data, classifier, real statistics.

Imports TensorFlow; a study that is complete already does not import this module.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core import schema
from harness.core.config import FIELD_TYPES, TrialConfig
from harness.core.errors import InputError
from harness.core.registry import METRICS, PROCEDURES
from harness.core.spec.search_space import extent
from harness.core.spec.study_spec import Choices, StudySpec
from harness.data.dataset import Dataset, check_drawable
from harness.data.load import load_dataset
from harness.data.scaling_effects import describe_scalings
from harness.evaluation.evaluator import Evaluator
from harness.evaluation.extractors import load_embedding
from harness.models.game import build_game
from harness.models.networks import check_supported
from harness.outcomes.late import late_record
from harness.search.display.events import Listener, Message
from harness.search.plan import StudyPlan
from harness.search.study.space import config_of
from harness.search.trial.reuse import Reuse
from harness.search.trial.runner import TrialRunner
from harness.tracking.environment import describe_environment
from harness.tracking.image_grid import grid_png
from harness.tracking.stores.layout import Layout
from harness.tracking.tracker import StudyTracker
from harness.training.device import effective_threads, prepare_devices
from harness.training.loop import Trainer

REAL_IMAGES = 64


def check_buildable(spec: StudySpec) -> None:
    """Raise InputError if an arm or a choice in the space asks for networks that can't be built."""
    if spec.arms:
        for config in spec.arms.configs(spec.base_config()).values():
            _check(config)
        return
    choices = {
        name: domain.values
        for name, domain in spec.space.items()
        if isinstance(domain, Choices) and FIELD_TYPES[name] == "str"
    }
    numbers = {
        name: extent(domain, 0.0)[0]
        for name, domain in spec.space.items()
        if name not in choices and name not in ("images", "batch_size")
    }
    for values in itertools.product(*choices.values()):
        _check(config_of(spec, {**numbers, **dict(zip(choices, values, strict=True))}))


def _check(config: TrialConfig) -> None:
    """Raise InputError if networks, loss or procedure of ``config`` do not go together."""
    check_supported(config)
    build_game(config)
    PROCEDURES.get(config.procedure).check(config)


def prepare_evaluator(
    spec: StudySpec, dataset: Dataset, cache_dir: Path, listen: Listener
) -> Evaluator:
    """The study's evaluator: classifier, features and real-side statistics, made once."""
    classifier = load_embedding(
        spec.extractor, dataset, cache_dir, lambda text: listen(Message(text))
    )
    labelled = "labels" in _values(spec, "conditional")
    seed = spec.search.seed
    return Evaluator(dataset, classifier, spec.num_samples, seed=seed, labelled=labelled)


def load_study_dataset(plan: StudyPlan, listen: Listener) -> Dataset:
    """The dataset of the plan's study; InputError if it cannot be had, or lacks what is asked."""
    spec, cache_dir = plan.spec, plan.layout.cache_dir
    base = spec.base_config()

    def say(line: str) -> None:
        listen(Message(line))

    dataset = load_dataset(base.dataset, plan.data_dir, base.image_size, cache_dir, say)
    for wanted in set(_values(spec, "training_images")) - {0}:
        check_drawable(dataset, int(wanted))
    if dataset.class_fault:
        if "labels" in _values(spec, "conditional"):
            raise InputError(f"conditional = 'labels' needs classes: {dataset.class_fault}")
        metric = spec.search.metric
        if metric in METRICS.names() and METRICS.get(metric).needs_classes:
            raise InputError(f"{metric} needs classes: {dataset.class_fault}")
    return dataset


def prepare_runner(
    spec: StudySpec,
    dataset: Dataset,
    tracker: StudyTracker,
    listen: Listener,
    layout: Layout,
    gpu_memory_mb: int | None = None,
    *,
    reuse: bool = True,
    run_tables: Sequence[Path] = (),
) -> TrialRunner:
    """A runner of trials; ``layout`` says where the caches and the checkpoints are.

    ``reuse``: whether it takes trials that the store or one of the ``run_tables`` holds already.
    ``gpu_memory_mb`` is as much of a GPU's memory as may be taken; None for as much as is needed.
    """
    devices = prepare_devices(gpu_memory_mb)
    listen(Message(f"training on {', '.join(devices)}"))
    evaluator = prepare_evaluator(spec, dataset, layout.cache_dir, listen)
    environment = describe_environment(devices, effective_threads())
    found = Reuse(spec, evaluator, tracker, enabled=reuse, tables=run_tables)
    return TrialRunner(
        spec, dataset, evaluator, tracker, listen, environment, layout.checkpoint_dir, found
    )


def log_study_files(runner: TrialRunner) -> None:
    """Write the study's own files to its run: what it asks, how it scores, where it runs."""
    evaluation = runner.evaluator.describe()
    records = evaluation["metrics"]
    if reason := runner.evaluator.absent.get(runner.spec.search.metric):
        raise InputError(f"{runner.spec.search.metric} is not there to search by: {reason}")
    records = {schema.FID_LATE: late_record(records["fid"]), **records}
    files: dict[str, Any] = {
        schema.STUDY_FILE: runner.spec.to_dict(),
        schema.EVALUATION_FILE: {**evaluation, "metrics": records},
        schema.ENVIRONMENT_FILE: runner.environment,
    }
    if "pixel_scaling" in runner.spec.varied:
        dataset = runner.dataset
        files[schema.PIXELS_FILE] = describe_scalings(dataset.x_train, dataset.x_test)
    for path, content in files.items():
        runner.tracker.log_json(path, content)
    real = grid_png(runner.dataset.x_test[:REAL_IMAGES])
    runner.tracker.log_image(schema.REAL_SAMPLES_FILE, real)


def study_scale(evaluator: Evaluator) -> dict[str, dict[str, float | None]]:
    """The evaluator's ``scale``, and that of ``fid_late``, which is read as fid is."""
    return {**evaluator.scale, schema.FID_LATE: evaluator.scale["fid"]}


def log_untrained(runner: TrialRunner) -> dict[str, float]:
    """The scores of the base configuration before its first step, written to the study's run.

    They are the scale on which a trained generator's scores are read.
    """
    with Trainer(runner.spec.base_config(), runner.dataset) as trainer:
        scores = runner.evaluator.score(trainer.generate(runner.spec.num_samples))
    scores[schema.FID_LATE] = scores["fid"]
    runner.tracker.log_json(schema.UNTRAINED_FILE, scores)
    return scores


def _values(spec: StudySpec, field: str) -> tuple[Any, ...]:
    """The values that a field of fixed choices has in some trial of the study."""
    if spec.arms:
        return tuple(getattr(arm, field) for arm in spec.arms.configs(spec.base_config()).values())
    domain = spec.space.get(field)
    return domain.values if isinstance(domain, Choices) else (getattr(spec.base_config(), field),)
