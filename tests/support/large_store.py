"""A store of many runs, written as rows: MLflow itself would take hours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from harness.core.config import TrialConfig
from harness.tracking.stores.layout import Layout
from tests.support import reports as builder

METRICS = ("fid", "kid", "g_loss", "d_loss", "modes_captured", "precision", "recall", "density")
REPORTS = 6
EXPERIMENT, PARENT = 7, "f" * 32
OUTCOMES = (*["complete"] * 13, *["pruned"] * 5, "failed", "interrupted")
"""Of trial k: the one at k modulo their number, in a store of mixed outcomes."""


def write_runs(layout: Layout, number: int, *, mixed: bool = False) -> None:
    """Give the empty stores of ``layout`` the study "large" of ``number`` completed trials.

    mixed: of trials that end as OUTCOMES say; those that did not complete have half the reports.
    """
    ends = [OUTCOMES[k % len(OUTCOMES)] if mixed else "complete" for k in range(number)]
    spec = builder.spec(name="large", search={"num_trials": number, "minimize": "fid"})
    location = (layout.artifact_root / "large").as_uri()
    folder = layout.artifact_root / "large" / PARENT / "artifacts"
    folder.mkdir(parents=True)
    (folder / "study.json").write_text(json.dumps(spec.to_dict()))
    ids = [f"{k:032x}" for k in range(number)]
    with closing(sqlite3.connect(layout.root / "mlflow.db")) as connection, connection:
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage) "
            "VALUES (?, 'large', ?, 'active')",
            (EXPERIMENT, location),
        )
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, "
            "artifact_uri, experiment_id, source_type, user_id) "
            "VALUES (?, ?, ?, ?, ?, 'active', ?, ?, 'LOCAL', 'someone')",
            (
                (
                    run,
                    run,
                    status,
                    builder.STARTED + k,
                    None,
                    f"{location}/{run}/artifacts",
                    EXPERIMENT,
                )
                for k, (run, status) in enumerate(
                    zip([PARENT, *ids], ["FINISHED", *map(_status, ends)], strict=True)
                )
            ),
        )
        tags = "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)"
        connection.execute(tags, ("kind", "study", PARENT))
        connection.executemany(tags, _tags(ids, ends))
        connection.executemany(
            "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", _params(ids)
        )
        columns = "(key, value, timestamp, step, is_nan, run_uuid)"
        values = "VALUES (?, ?, ?, ?, 0, ?)"
        connection.executemany(
            f"INSERT INTO metrics {columns} {values}", _points(ids, ends, REPORTS)
        )
        connection.executemany(
            f"INSERT INTO latest_metrics {columns} {values}", _points(ids, ends, 1)
        )


def _status(end: str) -> str:
    return "FINISHED" if end in ("complete", "pruned") else "FAILED"


def _tags(ids: list[str], ends: list[str]) -> Iterator[tuple[str, str, str]]:
    of_end = {
        "pruned": {"outcome": "pruned", "pruned_by": "pruner"},
        "failed": {"failure": "d_loss is not finite"},
        "interrupted": {"failure": "interrupted"},
    }
    for number, (run, end) in enumerate(zip(ids, ends, strict=True)):
        yield "kind", "trial", run
        yield "mlflow.parentRunId", PARENT, run
        yield "trial_number", str(number), run
        for key, value in of_end.get(end, {}).items():
            yield key, value, run


def _params(ids: list[str]) -> Iterator[tuple[str, str, str]]:
    rng = np.random.default_rng(0)
    choices = builder.SPACE["optimizer"]["choices"]
    for run in ids:
        drawn = {"optimizer": str(rng.choice(choices)), "leaky_slope": float(rng.uniform(0, 0.4))}
        config = TrialConfig(**drawn, learning_rate=float(10 ** rng.uniform(-5, -2)))
        for name, value in config.to_dict().items():
            yield name, str(value), run


def _points(ids: list[str], ends: list[str], reports: int) -> Iterator[tuple[Any, ...]]:
    """The last ``reports`` of each trial's reports."""
    rng = np.random.default_rng(1)
    for run, end in zip(ids, ends, strict=True):
        had = REPORTS if end == "complete" else REPORTS // 2
        for name in METRICS:
            for k in range(max(0, had - reports), had):
                step = 100_000 * (k + 1) // REPORTS
                yield name, float(rng.gamma(3.0, 5.0)), builder.STARTED + step, step, run
