"""A recorded run as a study of its own, which repeats the run exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from harness.api.study import RecordedTrial, load
from harness.core import schema
from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.data.load import load_dataset
from harness.reporting.results.tables import param_column
from harness.tracking.stores.layout import default_layout
from harness.tracking.stores.recorded_run import study_of_run


def repeated(run_id: str, tracking_uri: str | None, data_dir: Path | None) -> StudySpec:
    """The study of one trial with the configuration of the run ``run_id``, its seed included.

    Named as ``harness.trial`` names that configuration, so that the same trial is found again.
    Raises InputError for a run that is not there, that is no trial's, or that cannot be repeated:
    without a recorded configuration or study, on other data, with other weights of its extractor,
    or with reports that a single trial would not make.
    """
    name = study_of_run(tracking_uri or default_layout().tracking_uri, run_id)
    trial = load(name, tracking_uri, data_dir).trial(run_id)
    results = trial.study.results
    if pd.isna(trial.row[param_column("images")]):
        raise InputError(f"run {run_id} was interrupted before its configuration was recorded")
    if any(gap.startswith(schema.STUDY_FILE) for gap in results.gaps):
        raise InputError(f"run {run_id}: the file {schema.STUDY_FILE} of its study cannot be read")
    _check_inputs(trial, data_dir)
    before, config = results.spec, trial.config
    apart = {"base": config.to_dict(), "space": {}, "arms": None, "confirm": None, "claim": None}
    spec = before.replace(**apart).single_trial()
    if spec.milestones(config.images) != before.milestones(config.images):
        raise InputError(
            f"run {run_id}: its study searches the images of a step, on which the late reports of "
            "all its trials depend; a single trial would report elsewhere"
        )
    return spec


def _check_inputs(trial: RecordedTrial, data_dir: Path | None) -> None:
    """Raise InputError unless data and extractor weights here are those of the trial."""
    evaluation, config = trial.study.results.evaluation, trial.config
    before = _recorded(evaluation, "dataset", "fingerprint")
    cache_dir = default_layout().cache_dir
    now = load_dataset(config.dataset, data_dir, config.image_size, cache_dir).fingerprint
    extractor = trial.study.results.spec.extractor
    pairs = [(f"dataset {config.dataset}", before, now)]
    if (weights := extractor.weights_sha256()) is not None:
        pairs.append(("extractor weights", _recorded(evaluation, "extractor", "sha256"), weights))
    for what, one, other in pairs:
        if one != other:
            known = f"sha256 {one[:12]}" if isinstance(one, str) else "not recorded"
            raise InputError(
                f"run {trial.run_id}: its {what} was another ({known}, here {other[:12]})"
            )


def _recorded(evaluation: dict[str, Any], entry: str, key: str) -> object:
    record = evaluation.get(entry)
    return record.get(key) if isinstance(record, dict) else None
