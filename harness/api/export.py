"""A generator in a folder of its own: with its configuration, a model card and a script."""

from __future__ import annotations

import json
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core import schema
from harness.core.errors import InputError, plain_markdown
from harness.core.replace_files import replace_files
from harness.core.schema import SCORE_INTERVALS
from harness.data.load import LICENCES
from harness.outcomes.late import LATE_WORDS
from harness.reporting import formats
from harness.reporting.parts.provenance import dataset_name
from harness.tracking.image_grid import grid_png

if TYPE_CHECKING:
    from harness.api.study import RecordedTrial

SHOWN_IMAGES = 64
FILES = (schema.GENERATOR_FILE, schema.CONFIG_FILE, "samples.png", "sample.py", "README.md")

_SCRIPT = '''\
"""Draws images from generator.keras, which needs Keras, TensorFlow, NumPy and Pillow alone."""
import keras
import numpy as np
from PIL import Image

generator = keras.models.load_model("generator.keras", compile=False, safe_mode=True)
rng = np.random.default_rng(0)
latents = {latents}
images = generator.predict(latents.astype("float32"), verbose=0)  # uint8 (64, {shape})
Image.fromarray(np.concatenate(images[:8], axis=1).squeeze()).save("drawn.png")
'''


def export(trial: RecordedTrial, folder: Path) -> Path:
    """The path of the model card, after ``folder`` has got FILES: all of ``trial``'s generator.

    Raises InputError for a folder that holds other things or cannot be written, and for a trial
    without a generator.
    """
    generator = trial.generator
    images = generator.sample(SHOWN_IMAGES)
    _check_folder(folder)
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / schema.GENERATOR_FILE
        generator.pixel_network.save(path)
        saved = path.read_bytes()
    contents: dict[str, str | bytes] = {
        schema.GENERATOR_FILE: saved,
        schema.CONFIG_FILE: json.dumps(trial.config.to_dict(), indent=2) + "\n",
        "samples.png": grid_png(images),
        "sample.py": _script(trial),
        "README.md": model_card(trial),
    }
    try:
        replace_files({folder / name: content for name, content in contents.items()})
    except OSError as error:
        raise InputError(f"--output: {folder}: {error.strerror or error}") from None
    return folder / "README.md"


def model_card(trial: RecordedTrial) -> str:
    """What a stranger must know of the generator, in Markdown."""
    study, config = trial.study, trial.config
    evaluation = study.results.evaluation
    recorded = evaluation.get("dataset")
    dataset = recorded if isinstance(recorded, dict) else {}
    name = dataset_name(study.results)
    varied = {field: getattr(config, field) for field in study.results.spec.space}
    settings = [f"--set {shlex.quote(f'{field}={value}')}" for field, value in varied.items()]
    known = plain_markdown(name)
    source = plain_markdown(dataset.get("source", "source not recorded"))
    fingerprint = plain_markdown(dataset.get("fingerprint", "not recorded"))
    lines = [
        f"# {study.name}: the generator of trial {trial.number}",
        "",
        f"A DCGAN generator ({config.architecture}, width {config.width:g}) trained on "
        f"{config.images:,} images of {known}. Study: {plain_markdown(study.question)}",
        "",
        "![64 images](samples.png)",
        "",
        f"- run {trial.run_id}, trial {trial.number} of {study.name}",
        f"- dataset: {known}, {source}",
        f"- licence of the data: {LICENCES.get(name, 'not known to this project')}",
        f"- fingerprint of the data: {fingerprint}",
        f"- again: `python -m harness.trial {study.name} {' '.join(settings)}`".rstrip(),
        "",
        "## Use",
        "",
        f"`generator.keras` maps latents, float32 (N, {_inputs(trial)}), to uint8 images. "
        "`python sample.py` draws 64.",
        "",
        "## Scores",
        "",
        plain_markdown(evaluation.get("note") or ""),
        "An interval covers the sampling of images alone, not another seed or another training.",
        *([LATE_WORDS] if schema.FID_LATE in trial.scores else []),
        "",
        "| score | value | 95 % interval |",
        "|---|---|---|",
        *_score_rows(trial.scores),
        "",
    ]
    return "\n".join(lines)


def _check_folder(folder: Path) -> None:
    if folder.is_dir():
        others = sorted(path.name for path in folder.iterdir() if path.name not in FILES)
        if others:
            raise InputError(
                f"--output: {folder} holds {others[0]!r}; allowed: a new or an empty folder, or an "
                "earlier export"
            )


def _inputs(trial: RecordedTrial) -> int:
    return trial.config.latent_dim + len(trial.generator.record.label_shares)


def _script(trial: RecordedTrial) -> str:
    size, labels = trial.config.latent_dim, len(trial.generator.record.label_shares)
    shape = ", ".join(map(str, trial.generator.network.output_shape[1:]))
    uniform = trial.config.latent_distribution == "uniform"
    latents = f"rng.{'uniform(-1, 1, ' if uniform else 'standard_normal('}(64, {size}))"
    if labels:
        latents = f"np.hstack([{latents}, np.eye({labels})[np.arange(64) % {labels}]])"
    return _SCRIPT.format(latents=latents, shape=shape)


def _score_rows(scores: dict[str, float]) -> list[str]:
    ends = {end for pair in SCORE_INTERVALS.values() for end in pair}
    times = {*schema.TIME_METRICS, *schema.TRAINING_METRICS}
    rows = []
    for name, value in sorted(scores.items()):
        if name in ends or name in times:
            continue
        low, high = (scores.get(end) for end in SCORE_INTERVALS.get(name, ("", "")))
        known = low is not None and high is not None
        interval = f"{formats.score(low)} to {formats.score(high)}" if known else ""
        rows.append(f"| {plain_markdown(name)} | {formats.score(value)} | {interval} |")
    return rows
