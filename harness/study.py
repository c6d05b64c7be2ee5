"""``python -m harness.study``: run or resume a study."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options
from harness.cli.app import open_door
from harness.cli.output import lasting_output
from harness.core.errors import InputError
from harness.core.spec.lookup import CLAIMS

if TYPE_CHECKING:
    from harness.core.spec.study_spec import StudySpec

MAX_SEEDS = 40


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
    no_reuse: Annotated[
        bool, typer.Option("--no-reuse", help="Train every trial, also one that the store holds.")
    ] = False,
    system_metrics: options.SystemMetrics = False,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Add seeds until every claim's test is decided.")
    ] = False,
    max_seeds: Annotated[
        int | None,
        typer.Option(min=5, max=MAX_SEEDS, help="Seeds at which --until-decided ends."),
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    as_json: options.AsJson = False,
) -> int:
    """Run or resume a study: search, train, score, track and report.

    For a folder, run its studies one after the other; if one fails, the others still run.
    """
    from harness.core.spec.lookup import declared_study, studies_in
    from harness.search.plan import StudyPlan, Workforce
    from harness.search.session import declare, make_plan

    given = {"n-trials": n_trials, "seeds": seeds, "smoke": smoke, "study-name": study_name}
    _check(until_decided, given, max_seeds)
    names = studies_in(study) if study_name is None else None
    changes: dict[str, Any] = {"n_trials": n_trials, "seed": seed, "seeds": seeds}
    changes |= {"settings": settings or [], "smoke": smoke, "name": study_name}
    specs = _resolved(names or [study], changes)
    force = Workforce(workers or 1, executor, workers_per_gpu, ray_address, cpus_per_worker)
    if dry_run and not until_decided:
        declare(specs, data_dir)
        return 0
    from rich.console import Console

    from harness.evidence.reported_study import report_claims, run_all, run_reported
    from harness.evidence.until_decided import UntilDecided

    kept: dict[str, Any] = {"storage": storage, "tracking_uri": tracking_uri, "data_dir": data_dir}
    kept |= {"workforce": force, "suggest_workers": workers is None, "reuse": not no_reuse}
    kept["system_metrics"] = system_metrics

    def plan_of(spec: StudySpec, limit: float | None = timeout) -> StudyPlan:
        return make_plan(spec, timeout=limit, **kept)

    plans = [plan_of(spec) for spec in specs]
    console = Console(file=lasting_output(sys.stderr if as_json else sys.stdout))
    if until_decided:
        declared = [declared_study(name) for name in names or [study]]
        studies = {spec.name: spec for spec in specs}
        tests = UntilDecided(declared, studies, plan_of, console, max_seeds or MAX_SEEDS)
        if dry_run:
            tests.plan_all()
            return 0
        results, code = tests.run(timeout, no_report=no_report)
    elif names:
        results, code = run_all(plans, console, no_report=no_report)
    else:
        result, code = run_reported(plans[0], console, no_report=no_report)
        results = [result]
    if study == CLAIMS and names and not no_report and not smoke:
        code = max(code, report_claims(plans[0], console))
    if as_json:
        print(json.dumps(results if names or until_decided else results[0], indent=2))
    return code


def _resolved(names: list[str], changes: dict[str, Any]) -> list[StudySpec]:
    """The studies with the ``changes``, each once: claims may share a study's runs."""
    from harness.core.spec.lookup import resolve_study

    specs = [resolve_study(name, **changes) for name in names]
    return list({spec.name: spec for spec in specs}.values())


def _check(until_decided: bool, given: dict[str, Any], max_seeds: int | None) -> None:
    """Raise InputError for options that do not go with --until-decided, or not without it."""
    if max_seeds is not None and not until_decided:
        raise InputError("--max-seeds is for --until-decided; allowed without it: --seeds")
    for option, value in given.items():
        if until_decided and value:
            raise InputError(f"--until-decided takes no --{option}; allowed: --max-seeds")


if __name__ == "__main__":
    open_door(study)
