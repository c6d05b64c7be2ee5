"""``python -m harness.trial``: train, score and track one configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options
from harness.cli.app import FAILED, INTERRUPTED, open_door
from harness.cli.output import lasting_output
from harness.core.errors import InputError
from harness.core.interruption import interruption

if TYPE_CHECKING:
    from harness.core.spec.study_spec import StudySpec


def trial(
    study: Annotated[
        str | None,
        typer.Argument(help="A study file, or a name under studies/.", show_default="quickstart"),
    ] = None,
    from_run: Annotated[
        str | None,
        typer.Option(metavar="RUN_ID", help="Repeat this trial's run exactly, its seed included."),
    ] = None,
    study_name: options.StudyName = None,
    storage: options.Storage = None,
    tracking_uri: options.TrackingUri = None,
    data_dir: options.DataDir = None,
    seed: options.Seed = None,
    settings: options.Settings = None,
    smoke: options.Smoke = False,
    system_metrics: options.SystemMetrics = False,
    as_json: options.AsJson = False,
) -> int:
    """Train, score and track one configuration: the study's base with the values of --set.

    The trial is a study of its own, named after the configuration: the same command again shows
    its scores without training.
    """
    changes = {"STUDY": study, "--seed": seed, "--set": settings, "--smoke": smoke or None}
    if from_run is None:
        spec = _declared(study or "quickstart", seed, settings, smoke)
    else:
        spec = _repeated(from_run, changes, tracking_uri, data_dir)
    from rich.console import Console

    from harness.search.display.summary import score_lines, score_report, summary_lines
    from harness.search.display.terminal import print_wrapped
    from harness.search.session import make_plan, run_and_confirm

    if study_name is not None:
        spec = spec.replace(name=study_name)
    plan = make_plan(
        spec,
        storage=storage,
        tracking_uri=tracking_uri,
        data_dir=data_dir,
        reuse=False,
        system_metrics=system_metrics,
    )
    console = Console(file=lasting_output(sys.stderr if as_json else sys.stdout))
    outcome, _ = run_and_confirm(plan, console)
    if as_json:
        result = {"config": spec.base_config().to_dict(), "scores": score_report(outcome)}
        print(json.dumps(result, indent=2))
    for line in score_lines(outcome):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    for line in summary_lines([outcome], None, plan.tracking_uri):
        print_wrapped(console, line)
    if outcome.interrupted or interruption.requested:
        return INTERRUPTED
    return FAILED if outcome.best is None else 0


def _declared(study: str, seed: int | None, settings: list[str] | None, smoke: bool) -> StudySpec:
    from harness.core.spec.lookup import resolve_study

    return resolve_study(study, seed=seed, settings=settings or [], smoke=smoke).single_trial()


def _repeated(
    run_id: str, changes: dict[str, Any], tracking_uri: str | None, data_dir: Path | None
) -> StudySpec:
    """The study that repeats the run; InputError for options that would change it."""
    for option, value in changes.items():
        if value is not None:
            raise InputError(f"--from-run takes no {option}: the run is repeated as it was")
    from harness.api.repeat import repeated

    return repeated(run_id, tracking_uri, data_dir)


if __name__ == "__main__":
    open_door(trial)
