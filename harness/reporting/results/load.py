"""Reads a recorded study from its MLflow store; the only module of reporting with MLflow.

MLflow is imported inside the functions, so that ``--help`` and the plots need no MLflow.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from harness.core import schema
from harness.core.errors import InputError, first_line
from harness.core.schema import RunKind, Tag
from harness.core.secrets import mask
from harness.core.spec.arms import confirmation_name
from harness.core.spec.study_spec import STUDY_KEYS, StudySpec
from harness.reporting.results.tables import (
    RunRecord,
    StudyResults,
    history_table,
    metric_names,
    trial_table,
)
from harness.tracking.stores.databases import check_tracking_store
from harness.tracking.stores.layout import Layout
from harness.tracking.stores.mlflow_server import check_server, is_server_uri

_PAGE_SIZE = 1_000


def load_results(tracking_uri: str, study_name: str) -> StudyResults:
    """Everything recorded of the study ``study_name`` in the store at ``tracking_uri``.

    Writes nothing to the store. A missing artifact becomes a phrase in ``gaps``, a missing sample
    grid None. InputError for a store that cannot be read, and for an unknown study, with the list
    of the studies in the store.
    """
    client = _client(tracking_uri)
    found = _load(client, tracking_uri, study_name)
    if found.spec.confirm is None:
        return found
    name = confirmation_name(study_name)
    recorded = load_recorded(tracking_uri, [name])
    return dataclasses.replace(found, confirmation=recorded.get(name))


def load_recorded(tracking_uri: str, study_names: Iterable[str]) -> dict[str, StudyResults]:
    """The results of those studies that the store holds, by name; errors as for load_results."""
    client = _client(tracking_uri)
    from mlflow.exceptions import MlflowException

    try:
        there = _experiments(client)
    except (MlflowException, SQLAlchemyError) as error:
        raise InputError(f"{mask(tracking_uri)}: {first_line(error)}") from None
    return {name: load_results(tracking_uri, name) for name in study_names if name in there}


def _load(client: Any, tracking_uri: str, study_name: str) -> StudyResults:
    """The study alone, without its confirmation."""
    from mlflow.exceptions import MlflowException

    try:
        experiment_id = _experiment_id(client, tracking_uri, study_name)
        study_run = _study_run(client, experiment_id, study_name)
        runs = [_record(client, run) for run in _trial_runs(client, experiment_id, study_run)]
    except (MlflowException, SQLAlchemyError) as error:
        raise InputError(f"{mask(tracking_uri)}: {first_line(error)}") from None
    artifacts = _Artifacts(client, study_run.info.run_id, study_folder(tracking_uri, study_name))
    declared = artifacts.json(schema.STUDY_FILE)
    spec = _spec(declared, study_name)
    return StudyResults(
        spec=spec,
        trials=trial_table(runs),
        history=history_table(runs),
        grids=artifacts,
        metrics=metric_names(runs),
        evaluation=artifacts.json(schema.EVALUATION_FILE),
        untrained=_finite(artifacts.json(schema.UNTRAINED_FILE)),
        environment=artifacts.json(schema.ENVIRONMENT_FILE),
        gaps=tuple(artifacts.gaps),
        pixels=artifacts.numbers(schema.PIXELS_FILE),
    )


class _Artifacts:
    """The artifacts of a study's runs, found by run id; missing ones are noted in ``gaps``.

    An artifact that is not where MLflow recorded it is read from below ``folder``.
    """

    def __init__(self, client: Any, study_run_id: str, folder: Path | None) -> None:
        self._client = client
        self._study_run_id = study_run_id
        self._folder = folder
        self.gaps: list[str] = []

    def json(self, path: str) -> dict[str, Any]:
        content = self._bytes(self._study_run_id, path)
        try:
            values = json.loads(content) if content is not None else None
        except ValueError:
            self.gaps.append(f"{path} (not JSON)")
            return {}
        if not isinstance(values, dict):
            self.gaps.append(f"{path} (not recorded)")
            return {}
        return values

    def numbers(self, path: str) -> dict[str, Any]:
        """The tables of numbers at ``path``, {name: {name: number}}; empty without the file."""
        content = self._bytes(self._study_run_id, path)
        try:
            values = json.loads(content) if content is not None else {}
        except ValueError:
            self.gaps.append(f"{path} (not JSON)")
            return {}
        tables = values.items() if isinstance(values, dict) else ()
        return {name: _finite(table) for name, table in tables if isinstance(table, dict)}

    def real(self) -> bytes | None:
        return self._bytes(self._study_run_id, schema.REAL_SAMPLES_FILE)

    def last(self, run_id: str, images_seen: int | None = None) -> bytes | None:
        from mlflow.exceptions import MlflowException

        try:
            files = self._client.list_artifacts(run_id, schema.SAMPLES_FOLDER)
            paths = [file.path for file in files]
        except (MlflowException, OSError):
            paths = []
        if not paths and self._folder is not None:
            local = (self._folder / run_id / "artifacts" / schema.SAMPLES_FOLDER).glob("*.png")
            paths = [f"{schema.SAMPLES_FOLDER}/{file.name}" for file in local]
        limit = schema.sample_path(10**9 - 1 if images_seen is None else images_seen)
        drawn = [path for path in paths if re.search(r"/\d{9}\.png$", path)]
        grids = sorted(path for path in drawn if path <= limit)
        return self._bytes(run_id, grids[-1]) if grids else None

    def _bytes(self, run_id: str, path: str) -> bytes | None:
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as folder:
            try:
                return Path(self._client.download_artifacts(run_id, path, folder)).read_bytes()
            except (MlflowException, OSError):
                return self._local_bytes(run_id, path)

    def _local_bytes(self, run_id: str, path: str) -> bytes | None:
        if self._folder is None:
            return None
        try:
            return (self._folder / run_id / "artifacts" / path).read_bytes()
        except OSError:
            return None


def _client(tracking_uri: str) -> Any:
    """An MlflowClient of an existing store; for a missing file, MLflow would create a database."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    if is_server_uri(tracking_uri):
        check_server(tracking_uri, "--tracking-uri")
    else:
        check_tracking_store(tracking_uri)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        return MlflowClient(tracking_uri)
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        raise InputError(f"{mask(tracking_uri)}: {first_line(error)}") from None


def _experiment_id(client: Any, tracking_uri: str, study_name: str) -> str:
    """The id of the study's experiment; InputError listing the studies otherwise."""
    names = _experiments(client)
    if study_name not in names:
        known = ", ".join(sorted(set(names) - {"Default"})) or "none"
        raise InputError(f"no study {study_name!r} in {mask(tracking_uri)}; there: {known}")
    return names[study_name]


def _experiments(client: Any) -> dict[str, str]:
    """Name -> id of every experiment in the store, page by page."""
    names: dict[str, str] = {}
    token = None
    while token != "":
        page = client.search_experiments(max_results=_PAGE_SIZE, page_token=token)
        names |= {experiment.name: experiment.experiment_id for experiment in page}
        token = page.token or ""
    return names


def _study_run(client: Any, experiment_id: str, study_name: str) -> Any:
    """The study's parent run, the oldest if there are several."""
    runs = client.search_runs(
        [experiment_id],
        f"tags.{Tag.KIND.value} = '{RunKind.STUDY.value}'",
        max_results=1,
        order_by=["attributes.start_time ASC"],
    )
    if not runs:
        raise InputError(f"experiment {study_name!r} holds no study (no run tagged kind=study)")
    return runs[0]


def _trial_runs(client: Any, experiment_id: str, study_run: Any) -> list[Any]:
    """All child runs of the study that are trials, page by page."""
    found: list[Any] = []
    token = None
    while token != "":
        page = client.search_runs(
            [experiment_id],
            f"tags.{Tag.KIND.value} = '{RunKind.TRIAL.value}' "
            f"and tags.`{Tag.PARENT.value}` = '{study_run.info.run_id}'",
            max_results=_PAGE_SIZE,
            order_by=["attributes.start_time ASC"],
            page_token=token,
        )
        found += page
        token = page.token or ""
    return found


def _record(client: Any, run: Any) -> RunRecord:
    """The run with the whole history of each of its metrics."""
    number = run.data.tags.get(Tag.TRIAL_NUMBER, "")
    if not number.isdigit():
        raise InputError(
            f"run {run.info.run_id} is tagged as a trial, its trial_number is {number!r}"
        )
    history = {}
    for name in sorted(set(run.data.metrics) - {Tag.TRIAL_NUMBER.value}):
        points = client.get_metric_history(run.info.run_id, name)
        points = sorted(points, key=lambda point: (point.step, point.timestamp))
        history[name] = [(int(point.step), float(point.value)) for point in points]
    return RunRecord(
        run_id=run.info.run_id,
        number=int(number),
        status=run.info.status,
        tags=dict(run.data.tags),
        params=dict(run.data.params),
        history=history,
        started=run.info.start_time,
        ended=run.info.end_time,
    )


def _spec(declared: dict[str, Any], study_name: str) -> StudySpec:
    """The study as declared; without study.json one of that name whose question is not known.

    Keys of study.json that no study file has are left out.
    """
    known = {key: declared[key] for key in STUDY_KEYS if key in declared}
    if "question" not in known:
        return StudySpec(name=study_name, question="(not recorded)")
    return StudySpec.from_dict({**known, "name": study_name})


def _finite(values: dict[str, Any]) -> dict[str, float]:
    numbers = {k: float(v) for k, v in values.items() if isinstance(v, int | float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def study_folder(tracking_uri: str, study_name: str) -> Path | None:
    """The folder of a study's artifacts beside its SQLite database; None for any other store."""
    if not tracking_uri.startswith("sqlite"):
        return None
    database = Path(make_url(tracking_uri).database or "")
    return Layout(database.parent).artifact_root / study_name
