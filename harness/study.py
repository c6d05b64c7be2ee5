"""``python -m harness.study``: run a study, or go on with it: search, train, score, report."""

from __future__ import annotations

import dataclasses
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.core.door import FAILED, INTERRUPTED, open_door

if TYPE_CHECKING:
    from rich.console import Console

    from harness.core.study_file import StudySpec
    from harness.search.run import StudyOutcome, StudyPlan


def study(
    study: Annotated[str, typer.Argument(help="A study file, or a name under studies/.")] = (
        "quickstart"
    ),
    n_trials: Annotated[
        int | None, typer.Option(min=1, help="Trials in total; a study that has them is complete.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Start no trial after this many seconds.")
    ] = None,
    study_name: Annotated[
        str | None, typer.Option(help="Name in the stores and of the report's folder.")
    ] = None,
    storage: Annotated[str | None, typer.Option(help="Optuna storage, a database URL.")] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="MLflow store, a database or server URL.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The folder that holds mnist.npz.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the search and of every trial.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Fix a field; may be repeated."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the resolved study and stop.")
    ] = False,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="The same path at a size of seconds.")
    ] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as JSON on stdout.")
    ] = False,
) -> int:
    """Search, train, score, track and report. The same command again goes on where it stopped."""
    from rich.console import Console

    from harness.search.find import resolve_study

    spec = resolve_study(
        study, name=study_name, n_trials=n_trials, seed=seed, settings=set_ or [], smoke=smoke
    )
    if dry_run:
        return _show(spec)
    console = Console(stderr=as_json)
    plan = _plan(spec, storage, tracking_uri, data_dir, timeout)
    outcome = _run(plan, console)
    page = None if no_report else _report(outcome, plan.tracking_uri)
    if as_json:
        print(json.dumps({**dataclasses.asdict(outcome), "report": page and str(page)}, indent=2))
    _say(console, outcome, page, plan.tracking_uri)
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


def _plan(
    spec: StudySpec,
    storage: str | None,
    tracking_uri: str | None,
    data_dir: Path | None,
    timeout: float | None,
) -> StudyPlan:
    from harness.search.run import StudyPlan
    from harness.tracking.layout import default_layout

    layout = default_layout()
    return StudyPlan(
        spec=spec,
        layout=layout,
        storage_url=storage or layout.storage_url,
        tracking_uri=tracking_uri or layout.tracking_uri,
        data_dir=data_dir,
        timeout=timeout,
    )


def _run(plan: StudyPlan, console: Console) -> StudyOutcome:
    """Run the plan under a display; SIGTERM ends it as Ctrl-C does."""
    from harness.search.display import Display
    from harness.search.run import run_study

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console.print(plan.spec.question, style="bold", markup=False, soft_wrap=True)
    with Display(console, plan.spec) as display:
        return run_study(plan, display)


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


def _say(console: Console, outcome: StudyOutcome, page: Path | None, tracking_uri: str) -> None:
    from harness.search.summary import summary_lines

    for line in summary_lines(outcome, page, tracking_uri):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


if __name__ == "__main__":
    open_door(study)
