"""``python -m harness.evaluation.calibrate DATASET``: how much collapse is seen, by which score.

Measures every score on real and on spoiled samples, fits the collapse alarm to them and to labelled
snapshots of generators, and writes what both are worth: tables, a page, and the alarm's model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from harness.cli.app import open_door
from harness.cli.options import RECORDED, REPORTS
from harness.core.errors import InputError
from harness.core.quiet_import import quiet_import
from harness.core.registry import METRICS
from harness.core.replace_files import replace_files
from harness.data.load import load_dataset

with quiet_import():  # TensorFlow's chatter is no part of what the command says
    from harness.evaluation.calibration import measure as calibration
    from harness.evaluation.calibration.analysis import Findings, Measured
    from harness.evaluation.calibration.measure import Setting
    from harness.evaluation.calibration.page import render_page
    from harness.evaluation.calibration.recorded import read_responses
    from harness.evaluation.calibration.snapshots import SNAPSHOTS_FILE, read_snapshots
    from harness.evaluation.classifier.load import load_reference
    from harness.evaluation.collapse import read_model

PAGE_FILE = "index.html"
RESPONSES_FILE = "responses.csv"
SENSITIVITY_FILE = "sensitivity.csv"
DETECTABILITY_FILE = "detectability.csv"
ALARM_FILE = "alarm.csv"
CONFUSION_FILE = "confusion.csv"
MODEL_FILE = "collapse.json"


def calibrate(
    dataset: Annotated[str, typer.Argument(help="digits, mnist, or the path of an .npz file.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of mnist.npz, cifar10.npz, ...")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = REPORTS / "calibration",
    model: Annotated[
        Path | None, typer.Option(help="File for the alarm's model; else one in --output.")
    ] = None,
    sizes: Annotated[
        str, typer.Option(help="Images per sample, separated by commas.")
    ] = "500,1000,2000,5000",
    repetitions: Annotated[int, typer.Option(min=2, help="Samples per dose and size.")] = 3,
    nulls: Annotated[int, typer.Option(min=2, help="Real samples per size.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")] = 0,
    cache_dir: Annotated[
        Path, typer.Option(help="Folder of reference classifiers that were trained here.")
    ] = Path("mlruns/cache"),
    snapshots: Annotated[
        Path, typer.Option(help="Table of labelled snapshots of generators.")
    ] = RECORDED / "calibration" / SNAPSHOTS_FILE,
    held_out: Annotated[
        str, typer.Option(help="The dataset whose snapshots test the alarm, and are not fitted.")
    ] = "mnist",
    recorded: Annotated[
        bool, typer.Option(help="Fit to the responses in --output; measure nothing.")
    ] = False,
) -> None:
    """Measure what is seen of planted collapses in DATASET, and fit the collapse alarm to them."""
    setting = Setting(_whole_numbers(sizes), repetitions, nulls, seed)
    model_path = model or output / MODEL_FILE
    labelled = read_snapshots(snapshots)
    try:
        if recorded:
            responses = read_responses(output / RESPONSES_FILE)
            provenance = dict(read_model(model_path).provenance)
            if provenance.get("dataset") != dataset:
                raise InputError(f"{model_path} is of {provenance.get('dataset')}, not {dataset}")
        else:
            responses, provenance = _measure(dataset, data_dir, setting, cache_dir)
        provenance["labelled_snapshots"] = int((labelled["label"] != "").sum())
        provenance["held_out"] = held_out
        names = [name for name in METRICS.names() if name in responses]
        findings = Findings.of(Measured(responses, labelled, held_out), names, provenance)
        _write(findings, output, model_path)
    except OSError as error:
        raise InputError(f"{error.filename or output}: {error.strerror or error}") from None
    typer.echo(f"page: {output / PAGE_FILE}\nmodel: {model_path}")


def _measure(
    name: str, data_dir: Path | None, setting: Setting, cache_dir: Path
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The responses to everything that is planted in the dataset, and where they come from."""
    dataset = load_dataset(name, data_dir)
    classifier = load_reference(dataset, cache_dir, typer.echo)
    responses = calibration.measure(dataset, classifier, setting, typer.echo)
    sizes = sorted(responses["size"].unique().tolist())
    options = f"--sizes {','.join(map(str, sizes))} --repetitions {setting.repetitions}"
    options += f" --nulls {setting.nulls} --seed {setting.seed}"
    provenance = {
        "command": f"python -m harness.evaluation.calibrate {name} {options}",
        "dataset": dataset.name,
        "dataset_fingerprint": dataset.fingerprint,
        "classifier": classifier.info.name,
        "classifier_sha256": classifier.info.sha256,
        "sizes": sizes,
        "repetitions": setting.repetitions,
        "nulls": setting.nulls,
        "seed": setting.seed,
        "num_real_samples": min(len(dataset.x_test), calibration.MAX_REAL_SIDE),
    }
    return responses, provenance


def _write(findings: Findings, output: Path, model_path: Path) -> None:
    tables = {
        RESPONSES_FILE: findings.measured.responses,
        SENSITIVITY_FILE: findings.sensitivity,
        DETECTABILITY_FILE: findings.smallest,
        ALARM_FILE: findings.alarm,
        CONFUSION_FILE: findings.confusion,
    }
    texts = {output / file: _csv(table) for file, table in tables.items()}
    texts[model_path] = json.dumps(findings.model.to_dict(), indent=2, ensure_ascii=False) + "\n"
    replace_files({**texts, output / PAGE_FILE: render_page(findings)})


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))


def _whole_numbers(text: str) -> tuple[int, ...]:
    numbers = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) >= 100 for part in numbers):
        raise InputError(f"--sizes takes whole numbers from 100, as in 500,1000; got {text!r}")
    return tuple(int(part) for part in numbers)


if __name__ == "__main__":
    open_door(calibrate)
