"""``python -m harness.report STUDY-NAME``: write the report of a study, or of all claims, again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.app import open_door
from harness.cli.options import REPORTS
from harness.core.errors import InputError
from harness.core.spec.lookup import CLAIMS


def report(
    study_name: Annotated[
        str, typer.Argument(help="The study, as it was named when it ran; or claims, for them all.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the report.", show_default="reports/STUDY-NAME"),
    ] = None,
    tracking_uri: options.TrackingUri = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a page even if it rests on more runs.")
    ] = False,
) -> None:
    """Write the report of a study again: index.html, runs.csv and study.json. Trains nothing.

    For ``claims``: the page of all claims in studies/claims, with claims.csv and claims.json.

    Artifacts outside of the store's own folder or server are read below HARNESS_ARTIFACTS only.
    """
    from harness.core.spec.names import check_study_name
    from harness.reporting.pages.recorded import write_recorded
    from harness.tracking.stores.databases import check_tracking_store
    from harness.tracking.stores.layout import default_layout
    from harness.tracking.stores.mlflow_server import is_server_uri

    if study_name != CLAIMS:
        check_study_name(study_name)
    folder = output or REPORTS / study_name
    uri = tracking_uri or default_layout().tracking_uri
    if not is_server_uri(uri):
        uri = check_tracking_store(uri)
    try:
        page = write_recorded(uri, study_name, folder, force=force)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"--output: {folder}: {reason}; allowed: a folder to write to") from None
    print(f"report: {page}")


if __name__ == "__main__":
    open_door(report)
