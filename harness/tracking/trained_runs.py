"""Finds a completed trial by what it trained, in all studies of an MLflow store."""

from __future__ import annotations

from mlflow import MlflowClient

from harness.core.schema import RUN_STATUS, SYSTEM_METRICS, FinalState, Tag
from harness.tracking.tracker import TrainedRun

_PAGE_SIZE = 1_000


def find_trained(client: MlflowClient, trains: str) -> TrainedRun | None:
    """The oldest active run with the tag ``trains`` that has completed; None without one."""
    wanted = (
        f"tags.{Tag.TRAINS} = '{trains}' "
        f"and attributes.status = '{RUN_STATUS[FinalState.COMPLETE]}'"
    )
    oldest = ["attributes.start_time ASC"]
    found = client.search_runs(_experiments(client), wanted, max_results=1, order_by=oldest)
    if not found:
        return None
    run = found[0]
    names = [name for name in run.data.metrics if not name.startswith(SYSTEM_METRICS)]
    points = {name: client.get_metric_history(run.info.run_id, name) for name in names}
    history = {name: {one.step: one.value for one in points[name]} for name in points}
    study = run.data.tags.get(Tag.STUDY_NAME, "")
    return TrainedRun(run.info.run_id, study, history)


def _experiments(client: MlflowClient) -> list[str]:
    """The ids of all active experiments."""
    ids: list[str] = []
    token = None
    while token != "":
        page = client.search_experiments(max_results=_PAGE_SIZE, page_token=token)
        ids += [experiment.experiment_id for experiment in page]
        token = page.token or ""
    return ids
