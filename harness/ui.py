"""``python -m harness.ui``: browse all runs in the MLflow UI, reachable from this machine only."""

from __future__ import annotations

import ipaddress
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.app import open_door
from harness.core.errors import HarnessError
from harness.tracking.stores.layout import Layout, default_layout

LOOPBACK = "127.0.0.1"


def ui(
    port: Annotated[
        int | None, typer.Option(help="Port; by default 5000, or a free one if 5000 is in use.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any other lets other machines use the UI.")
    ] = LOOPBACK,
    tracking_uri: options.TrackingUri = None,
) -> None:
    """Serve the MLflow UI on the runs of this project until Ctrl-C."""
    signal.signal(signal.SIGTERM, _end)
    try:
        _serve(default_layout(), tracking_uri, host, port)
    except KeyboardInterrupt:
        typer.echo("\nThe UI has ended. The runs are kept.")


def _serve(layout: Layout, tracking_uri: str | None, host: str, port: int | None) -> None:
    from harness.tracking.stores.databases import check_tracking_store
    from harness.tracking.ui.server import free_port, running_server

    uri = check_tracking_store(tracking_uri or layout.tracking_uri)
    chosen = free_port(host, port)
    if not _is_loopback(host):
        typer.echo(
            f"Listening on {host}: anyone who can reach port {chosen} of this machine can read, "
            "change and delete all runs and their files. There is no password."
        )
    typer.echo(f"Starting the MLflow UI on port {chosen}; this takes about 15 seconds.")
    with running_server(uri, layout, host, chosen) as server:
        for name, page in server.study_pages(uri).items():
            typer.echo(f"  {name}: {page}")
        typer.echo(f"All studies are at {server.runs_page}   (Ctrl-C ends it)")
        raise HarnessError(f"the MLflow server ended unexpectedly, exit status {server.wait()}")


def _is_loopback(host: str) -> bool:
    """True if only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _end(number: int, frame: FrameType | None) -> None:
    """Exit with 128 + ``number``, as shells expect, through the blocks that end the server."""
    sys.exit(128 + number)


if __name__ == "__main__":
    open_door(ui)
