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
) -> None:
    """Write the report of a study again: index.html, runs.csv and study.json. Trains nothing.

    For ``claims``: the page of all claims in studies/claims, with claims.csv and claims.json.

    Artifacts outside of the store's own folder or server are read below HARNESS_ARTIFACTS only.
    """
    from harness.core.spec.study_spec import check_study_name
    from harness.tracking.stores.databases import check_tracking_store
    from harness.tracking.stores.layout import default_layout
    from harness.tracking.stores.mlflow_server import is_server_uri

    folder = output or REPORTS / check_study_name(study_name)
    uri = tracking_uri or default_layout().tracking_uri
    if not is_server_uri(uri):
        uri = check_tracking_store(uri)
    print(f"report: {_write(uri, study_name, folder)}")


def _write(uri: str, study_name: str, folder: Path) -> Path:
    """The path of the page; InputError for an unknown study and for an unusable folder."""
    from harness.reporting.pages.claims import write_recorded_claims
    from harness.reporting.pages.study import write_report
    from harness.reporting.results.load import load_results

    try:
        if study_name == CLAIMS:
            return write_recorded_claims(uri, folder)
        return write_report(load_results(uri, study_name), folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"--output: {folder}: {reason}; allowed: a folder to write to") from None


if __name__ == "__main__":
    open_door(report)
