"""The provenance of a page: dataset, classifier, environment, and the commands to repeat it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness.core.config import FIELDS
from harness.core.schema import TIME_METRICS, TRAINING_METRICS
from harness.reporting import formats
from harness.reporting.results.tables import StudyResults, param_column

UNREADABLE_SHOWN = 10
"""How many malformed runs a page names; study.json has them all."""

TAKEN = "taken from other studies"
"""The fact that says how many trials another study has trained."""


def provenance(results: StudyResults) -> dict[str, list[tuple[str, str]]]:
    """Group (dataset, classifier, samples, environment) -> its recorded (name, value) pairs."""
    rest = {k: v for k, v in results.evaluation.items() if k != "metrics"}
    groups = {k: v for k, v in rest.items() if isinstance(v, Mapping)}
    found = {name: _flat(values) for name, values in groups.items()}
    loose = _flat({k: v for k, v in rest.items() if k not in groups})
    if loose:
        found["samples"] = found.get("samples", []) + loose
    if results.environment:
        found["environment"] = _flat(results.environment)
    return found


def unreadable_words(results: StudyResults) -> str:
    """Which runs are missing on the page because they are malformed, and why; "" if none is."""
    runs = results.left_out
    if not runs:
        return ""
    shown = [f"run {run.run_id} ({run.entry})" for run in runs[:UNREADABLE_SHOWN]]
    more = len(runs) - len(shown)
    listed = ", ".join(shown) + (f" and {more:,} more, in study.json" if more else "")
    return f"{formats.count(len(runs), 'run')} left out, because an entry is malformed: {listed}."


def facts(results: StudyResults) -> list[tuple[str, str]]:
    """The study at a glance: dataset, number of trials, images per trial, time, date."""
    trials = results.trials
    shown = [("dataset", dataset_name(results)), ("trials", formats.number(len(trials)))]
    if reused := int(trials["reused_from"].notna().sum()):
        shown.append((TAKEN, formats.number(reused)))
    if results.left_out:
        shown.append(("runs left out as malformed", formats.number(len(results.left_out))))
    if "images" not in results.spec.varied:
        shown.append(("images per trial", formats.number(results.spec.base_config().images)))
    if "wall_seconds" in trials and trials["wall_seconds"].notna().any():
        shown.append(("computing time", formats.duration(trials["wall_seconds"].sum())))
    if trials["started"].notna().any():
        first, last = trials["started"].min().date(), trials["started"].max().date()
        shown.append(("run on", f"{first}" if first == last else f"{first} to {last}"))
    return shown


def commands(results: StudyResults) -> list[tuple[str, str]]:
    """(what it does, command line) for the study and this page."""
    name = shlex.quote(results.spec.name)
    return [
        ("Run the study, or resume it", f"python -m harness.study {name}"),
        ("Write this page again from the recorded runs", f"python -m harness.report {name}"),
    ]


def search_words(results: StudyResults) -> str:
    """How the trials came about, as a phrase: a search with its settings, or arms with seeds."""
    search, arms = results.spec.search, results.spec.arms
    if arms is not None:
        first = results.spec.base_config().seed
        if isinstance(arms.seeds, int):
            last = first + arms.num_seeds - 1
            return f"{len(arms.names)} arms with the seeds {first} to {last} each"
        fewest = min(map(arms.seeds_of, arms.names))
        return f"{len(arms.names)} arms with {fewest} to {arms.num_seeds} seeds each, from {first}"
    return (
        f"Search: {search.direction} {search.metric}, sampler {search.sampler}, "
        f"pruner {search.pruner}, seed {search.seed}"
    )


def reports_words(results: StudyResults) -> str:
    """How often a trial of the study is scored, and where its reports lie closer to each other."""
    images = results.spec.base_config().images
    number, even = len(results.spec.milestones(images)), results.spec.search.reports
    if number == even:
        return formats.count(number, "time")
    return f"{number} times, {number - even} of them between the even ones of the last quarter"


def trial_record(results: StudyResults, row: pd.Series) -> dict[str, Any]:
    """A trial as plain types: number, run_id, config, scores; None for what is missing."""
    score_names = [n for n in results.metrics if n not in (*TRAINING_METRICS, *TIME_METRICS)]
    return {
        "number": int(row["number"]),
        "run_id": str(row["run_id"]),
        "config": {name: json_value(row[param_column(name)]) for name in FIELDS},
        "scores": {name: json_value(row[name]) for name in score_names},
    }


def dataset_name(results: StudyResults) -> str:
    """The dataset as it was recorded, else as the configuration names it."""
    dataset = results.evaluation.get("dataset")
    recorded = dataset.get("name") if isinstance(dataset, Mapping) else dataset
    return str(recorded or results.spec.base_config().dataset)


def json_value(value: Any) -> Any:
    """``value`` as a plain type for JSON; None for what is missing or not finite."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as (dotted name, text) in the order they came."""
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{key}: ")
        else:
            found.append((f"{prefix}{key}".replace("_", " "), _text(value)))
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value) or "none"
    return "not recorded" if value is None else formats.number(value)
