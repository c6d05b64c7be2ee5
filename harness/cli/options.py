"""Command-line options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.core.registry import EXECUTORS

Study = Annotated[str, typer.Argument(help="A study file, or a name under studies/.")]
Recorded = Annotated[
    str, typer.Argument(metavar="STUDY", help="The study, as it was named when it ran.")
]
Trial = Annotated[
    str | None,
    typer.Option(metavar="N|RUN_ID", show_default="the winner", help="A trial's number or run id."),
]
StudyName = Annotated[
    str | None,
    typer.Option("--study-name", help="Name of the study in both stores and under reports/."),
]
Storage = Annotated[
    str | None, typer.Option(envvar="HARNESS_STORAGE", help="Optuna storage, a database URL.")
]
TrackingUri = Annotated[
    str | None,
    typer.Option(envvar="HARNESS_TRACKING_URI", help="MLflow store, a database or server URL."),
]
DataDir = Annotated[
    Path | None, typer.Option(help="The folder that holds mnist.npz, cifar10.npz, ...")
]
_MAX_WORKERS = 1_024


def _number_of_workers(text: str) -> int | None:
    """A number of workers, None for ``auto``."""
    if text == "auto":
        return None
    if text.isdecimal() and text.isascii() and 1 <= int(text[:5]) <= _MAX_WORKERS:
        return int(text[:5])
    raise typer.BadParameter(f"allowed: auto, or a whole number from 1 to {_MAX_WORKERS}")


Workers = Annotated[
    int | None,
    typer.Option(
        parser=_number_of_workers,
        metavar="auto|N",
        show_default="auto",
        help="Worker processes, each running one trial at a time; auto: one for each core.",
    ),
]
WorkersPerGpu = Annotated[
    int | None, typer.Option(min=1, help="Workers per GPU; each gets an equal part of its memory.")
]
Executor = Annotated[
    str, typer.Option(help=f"How workers are started: {', '.join(EXECUTORS.names())}.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(help="The Ray cluster, HOST:PORT; else RAY_ADDRESS, else this machine's cluster."),
]
CpusPerWorker = Annotated[
    int | None, typer.Option(min=1, help="CPU cores that Ray reserves per worker, 1 if unset.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of the search and of every trial.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Fix a field of the study; repeatable."),
]
SystemMetrics = Annotated[
    bool,
    typer.Option(
        "--system-metrics/--no-system-metrics",
        envvar="MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING",
        help="Record CPU, memory and GPUs of the machine in each trial's run.",
    ),
]
Smoke = Annotated[bool, typer.Option("--smoke", help="Run a reduced study that takes seconds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")]

REPORTS = Path("reports")
"""The folder of reports, with one folder per study."""

RECORDED = REPORTS / "recorded"
"""The folder of reports that are kept; no command writes there unless it is told to."""
