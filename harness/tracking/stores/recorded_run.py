"""Finds a trial's run by its id alone."""

from __future__ import annotations

import re

from harness.core.errors import InputError, shown
from harness.core.schema import RunKind, Tag
from harness.core.secrets import mask
from harness.core.spec.names import check_study_name
from harness.tracking.stores.databases import check_tracking_store
from harness.tracking.stores.mlflow_server import check_server, is_server_uri, limited_requests

_RUN_ID = re.compile(r"[0-9a-f]{32}")


def study_of_run(tracking_uri: str, run_id: str) -> str:
    """The name of the study of which the run ``run_id`` is a trial.

    Raises InputError for a store that cannot be read, for a run that it does not have and for one
    that is no trial's.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise InputError(f"run {shown(run_id)}; allowed: a run id, 32 hexadecimal digits")
    if is_server_uri(tracking_uri):
        check_server(tracking_uri, "--tracking-uri")
    else:
        tracking_uri = check_tracking_store(tracking_uri)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        with limited_requests():
            tags = MlflowClient(tracking_uri=tracking_uri).get_run(run_id).data.tags
    except MlflowException:
        raise InputError(f"no run {run_id} in {mask(tracking_uri)}") from None
    if tags.get(Tag.KIND) != RunKind.TRIAL:
        kind = "of a study" if tags.get(Tag.KIND) == RunKind.STUDY else "of another program"
        raise InputError(f"run {run_id} is {kind}; allowed: the run of a trial")
    return check_study_name(tags.get(Tag.STUDY_NAME))
