"""``python -m harness.study``: run or resume a study."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options
from harness.cli.app import FAILED, INTERRUPTED, WRONG_INPUT, open_door
from harness.cli.options import REPORTS
from harness.cli.output import lasting_output
from harness.core.errors import HarnessError, InputError
from harness.core.interruption import interruption
from harness.core.spec.lookup import CLAIMS

if TYPE_CHECKING:
    from rich.console import Console

    from harness.search.plan import StudyPlan


def study(
    study: Annotated[
        str, typer.Argument(help="A study file, or the name of a file or a folder in studies/.")
    ] = "quickstart",
    n_trials: Annotated[
        int | None, typer.Option(min=1, help="Number of trials at which the study is complete.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Seeds per arm, in a study that compares arms.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Start no trial after this many seconds.")
    ] = None,
    study_name: options.StudyName = None,
    storage: options.Storage = None,
    tracking_uri: options.TrackingUri = None,
    data_dir: options.DataDir = None,
    workers: options.Workers = None,
    workers_per_gpu: options.WorkersPerGpu = None,
    executor: options.Executor = "local",
    ray_address: options.RayAddress = None,
    cpus_per_worker: options.CpusPerWorker = None,
    seed: options.Seed = None,
    settings: options.Settings = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the resolved study and stop.")
    ] = False,
    smoke: options.Smoke = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    as_json: options.AsJson = False,
) -> int:
    """Run or resume a study: search, train, score, track and report.

    For a folder, run its studies one after the other; if one fails, the others still run.
    """
    from harness.core.spec.lookup import resolve_study, studies_in
    from harness.search.plan import Workforce
    from harness.search.session import declare

    names = studies_in(study) if study_name is None else None
    changes: dict[str, Any] = {"n_trials": n_trials, "seed": seed, "seeds": seeds}
    changes |= {"settings": settings or [], "smoke": smoke, "name": study_name}
    specs = [resolve_study(name, **changes) for name in names or [study]]
    specs = list({spec.name: spec for spec in specs}.values())  # claims may share a study's runs
    force = Workforce(workers or 1, executor, workers_per_gpu, ray_address, cpus_per_worker)
    if dry_run:
        declare(specs, data_dir)
        return 0
    from rich.console import Console

    from harness.search.session import make_plan

    given: dict[str, Any] = {"storage": storage, "tracking_uri": tracking_uri, "timeout": timeout}
    given |= {"data_dir": data_dir, "workforce": force, "suggest_workers": workers is None}
    plans = [make_plan(one, **given) for one in specs]
    console = Console(file=lasting_output(sys.stderr if as_json else sys.stdout))
    results, code = [], 0
    for plan in plans:
        try:
            result, study_code = _run(plan, console, no_report)
        except HarnessError as error:
            if not names:
                raise
            typer.echo(f"error: {plan.spec.name}: {error}", err=True)
            result = {"name": plan.spec.name, "error": str(error)}
            study_code = WRONG_INPUT if isinstance(error, InputError) else FAILED
        results.append(result)
        code = max(code, study_code)
        if study_code == INTERRUPTED:
            break
    if study == CLAIMS and names and not no_report:
        page = _write(plans[0], CLAIMS, 0)
        console.print(f"claims:  {page or 'not written'}", highlight=False, markup=False)
        code = code or (0 if page else FAILED)
    if as_json:
        print(json.dumps(results if names else results[0], indent=2))
    return code


def _run(plan: StudyPlan, console: Console, no_report: bool) -> tuple[dict[str, Any], int]:
    """Run one study, write its report and print its summary: (outcome for JSON, exit code)."""
    from harness.search.display.summary import summary_lines
    from harness.search.session import run_and_confirm

    outcome, confirmation = run_and_confirm(plan, console)
    outcomes = [one for one in (outcome, confirmation) if one is not None]
    wanted = bool(outcome.states) and not no_report
    page = REPORTS / outcome.name / "index.html" if wanted else None
    if page and (any(one.ran for one in outcomes) or not os.path.exists(page)):
        page = _write(plan, outcome.name, outcome.done)
    for line in summary_lines(outcomes, page, plan.tracking_uri):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    result = {
        **dataclasses.asdict(outcome),
        "confirmation": confirmation and dataclasses.asdict(confirmation),
        "report": page and str(page),
    }
    if interruption.requested or any(one.interrupted for one in outcomes):
        return result, INTERRUPTED
    failed = (wanted and page is None) or (outcome.complete and outcome.best is None)
    return result, FAILED if failed else 0


def _write(plan: StudyPlan, name: str, trials: int) -> Path | None:
    """The page of the study ``name`` or of all claims; None, after one line, if unwritable."""
    from harness.reporting.pages.recorded import NotRecordedError, not_written, write_recorded
    from harness.search.study.agreement import runs_lost

    folder, uri = REPORTS / name, plan.tracking_uri
    try:
        return write_recorded(uri, name, folder)
    except NotRecordedError:
        raise runs_lost(name, trials, plan.storage_url) from None
    except OSError as error:
        named = uri if uri != plan.layout.tracking_uri else None
        typer.echo(f"error: {not_written(error, name, folder, named)}", err=True)
        return None


if __name__ == "__main__":
    open_door(study)
