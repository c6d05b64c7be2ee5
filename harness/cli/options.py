"""Command-line options that several doors take, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.core.registry import EXECUTORS

Study = Annotated[str, typer.Argument(help="A study file, or a name under studies/.")]
StudyName = Annotated[
    str | None, typer.Option("--study-name", help="Name in the stores and of the report's folder.")
]
Storage = Annotated[
    str | None, typer.Option(envvar="HARNESS_STORAGE", help="Optuna storage, a database URL.")
]
TrackingUri = Annotated[
    str | None,
    typer.Option(envvar="HARNESS_TRACKING_URI", help="MLflow store, a database or server URL."),
]
DataDir = Annotated[Path | None, typer.Option(help="The folder that holds mnist.npz.")]
Workers = Annotated[
    int, typer.Option(min=1, max=1_024, help="Trials at once, each in a process of its own.")
]
WorkersPerGpu = Annotated[
    int | None, typer.Option(min=1, help="Workers that share a GPU, each a part of its memory.")
]
Executor = Annotated[
    str, typer.Option(help=f"What starts the workers: {', '.join(EXECUTORS.names())}.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(help="Ray's cluster, HOST:PORT; else RAY_ADDRESS, or what runs on this machine."),
]
CpusPerWorker = Annotated[
    int | None, typer.Option(min=1, help="CPU cores that Ray reserves for each worker, 1 if unset.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the search and of every trial.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Fix a field; may be repeated."),
]
Smoke = Annotated[bool, typer.Option("--smoke", help="The same path at a size of seconds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")]

REPORTS = Path("reports")
"""Where reports are written, a folder for each study."""
