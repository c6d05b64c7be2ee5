"""``python -m harness.report STUDY-NAME``: write a report again; several names are compared."""

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
    study_names: Annotated[
        list[str],
        typer.Argument(
            metavar="STUDY_NAME...",
            help="The study, as it was named when it ran; or claims, for them all. Several studies "
            "are compared.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the report.", show_default="reports/STUDY_NAME"),
    ] = None,
    tracking_uri: options.TrackingUri = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a page even if it rests on more runs.")
    ] = False,
) -> None:
    """Write the report of a study again: index.html, runs.csv and study.json. Trains nothing.

    For ``claims``: the page of all claims in studies/claims, with claims.csv and claims.json. For
    several studies: one leaderboard and the same axes, if their scores compare. The list of all
    reports, reports/index.html, is written as well.

    Artifacts outside of the store's own folder or server are read below HARNESS_ARTIFACTS only.
    """
    from harness.core.spec.names import check_study_name
    from harness.reporting.pages.comparison import check_names, comparison_name
    from harness.reporting.pages.recorded import write_recorded, write_recorded_comparison
    from harness.tracking.stores.databases import check_tracking_store
    from harness.tracking.stores.layout import default_layout
    from harness.tracking.stores.mlflow_server import is_server_uri

    for name in study_names:
        if name != CLAIMS or len(study_names) > 1:
            check_study_name(name)
    check_names(study_names)
    folder = output or REPORTS / comparison_name(study_names)
    uri = tracking_uri or default_layout().tracking_uri
    if not is_server_uri(uri):
        uri = check_tracking_store(uri)
    try:
        if len(study_names) > 1:
            page = write_recorded_comparison(uri, study_names, folder, force=force)
        else:
            page = write_recorded(uri, study_names[0], folder, force=force)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"--output: {folder}: {reason}; allowed: a folder to write to") from None
    print(f"report: {page}")


if __name__ == "__main__":
    open_door(report)
