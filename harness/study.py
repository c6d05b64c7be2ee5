"""``python -m harness.study``: run a study, or go on with it: search, train, score, report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.core import options
from harness.core.door import FAILED, INTERRUPTED, open_door

if TYPE_CHECKING:
    from harness.core.study_file import StudySpec
    from harness.search.run import StudyOutcome


def study(
    study: options.Study = "quickstart",
    n_trials: Annotated[
        int | None, typer.Option(min=1, help="Trials in total; a study that has them is complete.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Start no trial after this many seconds.")
    ] = None,
    study_name: options.StudyName = None,
    storage: options.Storage = None,
    tracking_uri: options.TrackingUri = None,
    data_dir: options.DataDir = None,
    seed: options.Seed = None,
    settings: options.Settings = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the resolved study and stop.")
    ] = False,
    smoke: options.Smoke = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    as_json: options.AsJson = False,
) -> int:
    """Search, train, score, track and report. The same command again goes on where it stopped."""
    from harness.search.find import resolve_study

    spec = resolve_study(
        study, name=study_name, n_trials=n_trials, seed=seed, settings=settings or [], smoke=smoke
    )
    if dry_run:
        return _show(spec)
    from rich.console import Console

    from harness.search.sitting import make_plan, sit
    from harness.search.summary import summary_lines

    plan = make_plan(
        spec, storage=storage, tracking_uri=tracking_uri, data_dir=data_dir, timeout=timeout
    )
    console = Console(stderr=as_json)
    outcome = sit(plan, console)
    page = None if no_report else _report(outcome, plan.tracking_uri)
    if as_json:
        print(json.dumps({**dataclasses.asdict(outcome), "report": page and str(page)}, indent=2))
    for line in summary_lines(outcome, page, plan.tracking_uri):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if outcome.interrupted:
        return INTERRUPTED
    return FAILED if outcome.complete and outcome.best is None else 0


def _show(spec: StudySpec) -> int:
    """Print the study as it would run, every field of the base configuration included."""
    from harness.core.quiet import quiet_import

    with quiet_import():
        from harness.search.prepare import check_buildable
    check_buildable(spec)
    base = {k: v for k, v in spec.base_config().to_dict().items() if k not in spec.space}
    print(json.dumps({**spec.to_dict(), "base": base}, indent=2))
    return 0


def _report(outcome: StudyOutcome, tracking_uri: str) -> Path | None:
    """The report's page, written again if this sitting ran trials; None if there are none yet."""
    from harness.reporting.page import write_report
    from harness.reporting.results import load_results

    page = Path("reports") / outcome.name / "index.html"
    if not outcome.states:
        return None
    if outcome.ran or not page.exists():
        page = write_report(load_results(tracking_uri, outcome.name), page.parent)
    return page


if __name__ == "__main__":
    open_door(study)
