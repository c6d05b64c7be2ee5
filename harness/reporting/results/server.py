"""The runs of a study from an MLflow server, page by page and metric by metric."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.core.errors import InputError, first_line
from harness.core.schema import SYSTEM_METRICS, RunKind, Tag
from harness.core.secrets import hide_passwords, mask
from harness.reporting.results.stored_runs import READ_TAGS, StoredRun
from harness.tracking.stores.mlflow_server import check_server, limited_requests

PAGE_SIZE = 1_000
_RUNS_AT_ONCE = 100  # the most that the endpoint takes
_MOST_POINTS = 25_000  # the most that the endpoint returns
_HISTORIES = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"


class ServerRuns:
    """The active studies and runs of an MLflow server."""

    def __init__(self, tracking_uri: str) -> None:
        """Connect to the server."""
        from mlflow.tracking import MlflowClient

        self._uri = tracking_uri
        self._client = MlflowClient(tracking_uri)

    def studies(self) -> dict[str, Any]:
        """Name -> id of every experiment."""
        names: dict[str, Any] = {}
        token = None
        while token != "":
            page = self._client.search_experiments(max_results=PAGE_SIZE, page_token=token)
            names |= {experiment.name: experiment.experiment_id for experiment in page}
            token = page.token or ""
        return names

    def study_runs(self, experiment_id: Any) -> list[StoredRun]:
        """The runs that stand for a study, without parameters and metrics."""
        wanted = f"tags.{Tag.KIND.value} = '{RunKind.STUDY.value}'"
        return [_stored(run, {}) for page in self._pages(experiment_id, wanted) for run in page]

    def trial_runs(self, experiment_id: Any, study_run_id: str) -> Iterator[StoredRun]:
        """The runs of the study's trials, whole, in the order in which they started."""
        wanted = (
            f"tags.{Tag.KIND.value} = '{RunKind.TRIAL.value}' "
            f"and tags.`{Tag.PARENT.value}` = '{study_run_id}'"
        )
        for page in self._pages(experiment_id, wanted):
            for start in range(0, len(page), _RUNS_AT_ONCE):
                runs = page[start : start + _RUNS_AT_ONCE]
                histories = self._histories(runs)
                for run in runs:
                    yield _stored(run, histories[run.info.run_id])

    def place_of(self, run_id: str) -> tuple[Any, object] | None:
        """The id of the run's experiment and the address of its artifacts; None if not active."""
        from mlflow.exceptions import MlflowException

        try:
            info = self._client.get_run(run_id).info
        except MlflowException:
            return None
        active = info.lifecycle_stage == "active"
        return (info.experiment_id, info.artifact_uri) if active else None

    def _pages(self, experiment_id: Any, wanted: str) -> Iterator[Sequence[Any]]:
        token = None
        while token != "":
            page = self._client.search_runs(
                [experiment_id],
                wanted,
                max_results=PAGE_SIZE,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            yield page
            token = page.token or ""

    def _histories(self, runs: Sequence[Any]) -> dict[str, dict[str, list[Any]]]:
        """run id -> metric -> points."""
        found: dict[str, dict[str, list[Any]]] = {run.info.run_id: {} for run in runs}
        names = {name for run in runs for name in run.data.metrics} - {Tag.TRIAL_NUMBER.value}
        for name in sorted(name for name in names if not name.startswith(SYSTEM_METRICS)):
            having = [run.info.run_id for run in runs if name in run.data.metrics]
            for run_id, *point in self._points(having, name):
                found[run_id].setdefault(name, []).append(tuple(point))
        return found

    def _points(self, run_ids: list[str], name: str) -> list[tuple[Any, ...]]:
        """(run id, images_seen, timestamp, value) of every point of the metric in these runs."""
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request_safe

        if len(run_ids) == 1:  # the public way, which has pages
            points = self._client.get_metric_history(run_ids[0], name)
            return [(run_ids[0], one.step, one.timestamp, one.value) for one in points]
        asked = {"run_id": run_ids, "metric_key": name, "max_results": _MOST_POINTS}
        creds = get_default_host_creds(self._uri)
        rows = http_request_safe(creds, _HISTORIES, "GET", params=asked).json()["metrics"]
        if len(rows) < _MOST_POINTS:
            return [(row["run_id"], row["step"], row["timestamp"], row["value"]) for row in rows]
        half = len(run_ids) // 2
        return self._points(run_ids[:half], name) + self._points(run_ids[half:], name)


@contextmanager
def open_server(tracking_uri: str) -> Iterator[ServerRuns]:
    """The runs of the MLflow server at ``tracking_uri``.

    InputError, one line, password masked, if it does not answer like one; in the block too.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    check_server(tracking_uri, "--tracking-uri")
    from mlflow.exceptions import MlflowException

    try:
        with limited_requests():
            yield ServerRuns(tracking_uri)
    except (MlflowException, ValueError, KeyError, TypeError, OSError) as error:
        reason = hide_passwords(first_line(error))
        raise InputError(f"--tracking-uri: {mask(tracking_uri)}: {reason}") from None


def _stored(run: Any, points: dict[str, list[Any]]) -> StoredRun:
    tags = {name: value for name, value in run.data.tags.items() if name in READ_TAGS}
    info = run.info
    times = (info.start_time, info.end_time or None)
    return StoredRun(
        info.run_id, info.status, *times, info.artifact_uri, tags, run.data.params, points
    )
