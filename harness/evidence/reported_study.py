"""Runs studies and writes their pages: one study, or those of a folder one after the other."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from harness.cli.app import FAILED, INTERRUPTED, WRONG_INPUT
from harness.cli.options import REPORTS
from harness.core.errors import HarnessError, InputError
from harness.core.interruption import interruption
from harness.core.spec.lookup import CLAIMS
from harness.reporting.pages.claims import NoRunsError
from harness.reporting.pages.fewer_runs import FewerRunsError
from harness.reporting.pages.recorded import NotRecordedError, not_written, write_recorded
from harness.search.display.summary import summary_lines
from harness.search.display.terminal import print_wrapped
from harness.search.plan import StudyPlan
from harness.search.session import run_and_confirm, tuned_plan
from harness.search.study.agreement import runs_lost
from harness.search.study.trials import StudyOutcome

Result = dict[str, Any]
"""How a study ended, as plain types for JSON."""


def run_all(
    plans: Sequence[StudyPlan], console: Console, *, no_report: bool
) -> tuple[list[Result], int]:
    """Run the studies of a folder: their results, and the largest of their exit codes.

    One that fails is one line, and the others still run; an interruption ends them all.
    """
    results, code = [], 0
    for plan in plans:
        result, study_code = run_or_complain(plan, console, no_report=no_report)
        results.append(result)
        code = max(code, study_code)
        if study_code == INTERRUPTED:
            break
    return results, code


def run_or_complain(plan: StudyPlan, console: Console, *, no_report: bool) -> tuple[Result, int]:
    """``run_reported``, where a HarnessError is one line and a result of its own."""
    try:
        return run_reported(plan, console, no_report=no_report)
    except HarnessError as error:
        typer.echo(f"error: {plan.spec.name}: {error}", err=True)
        code = WRONG_INPUT if isinstance(error, InputError) else FAILED
        return {"name": plan.spec.name, "error": str(error)}, code


def run_reported(plan: StudyPlan, console: Console, *, no_report: bool) -> tuple[Result, int]:
    """Tune and run one study, write its report, print its summary: (result, exit code)."""
    plan, tuning = tuned_plan(plan, console)
    if tuning is not None and not tuning.complete:
        return _stopped_tuning(plan, tuning, console)
    outcome, confirmation = run_and_confirm(plan, console)
    outcomes = [one for one in (outcome, confirmation) if one is not None]
    wanted = bool(outcome.states) and not no_report
    page = REPORTS / outcome.name / "index.html" if wanted else None
    if page and (any(one.ran for one in outcomes) or not os.path.exists(page)):
        page = write_page(plan, outcome.name, outcome.done)
    for line in summary_lines(outcomes, page, plan.tracking_uri):
        print_wrapped(console, line)
    result = {
        **dataclasses.asdict(outcome),
        "tuning": tuning and dataclasses.asdict(tuning),
        "confirmation": confirmation and dataclasses.asdict(confirmation),
        "report": page and str(page),
    }
    if interruption.requested or any(one.interrupted for one in outcomes):
        return result, INTERRUPTED
    failed = (wanted and page is None) or (outcome.complete and outcome.best is None)
    return result, FAILED if failed else 0


def _stopped_tuning(plan: StudyPlan, tuning: StudyOutcome, console: Console) -> tuple[Result, int]:
    """The result of a study whose tuning was stopped, so that no trial of its own was run."""
    for line in summary_lines([tuning], None, plan.tracking_uri):
        print_wrapped(console, line)
    stopped = interruption.requested or tuning.interrupted
    result = {"name": plan.spec.name, "ran": 0, "tuning": dataclasses.asdict(tuning)}
    return result, INTERRUPTED if stopped else 0


def report_claims(plan: StudyPlan, console: Console) -> int:
    """Write the page of all claims from the plan's store, and print where: the exit code."""
    try:
        page = write_page(plan, CLAIMS, 0)
    except NoRunsError:
        console.print("claims:  no run has ended", highlight=False, markup=False)
        return 0
    console.print(f"claims:  {page or 'not written'}", highlight=False, markup=False)
    return 0 if page else FAILED


def write_page(plan: StudyPlan, name: str, trials: int) -> Path | None:
    """The page of the study ``name`` or of all claims; None, after one line, if not written."""
    folder, uri = REPORTS / name, plan.tracking_uri
    try:
        return write_recorded(uri, name, folder)
    except NotRecordedError:
        raise runs_lost(name, trials, plan.storage_url) from None
    except FewerRunsError as error:
        typer.echo(f"error: {error}", err=True)
    except OSError as error:
        named = uri if uri != plan.layout.tracking_uri else None
        typer.echo(f"error: {not_written(error, name, folder, named)}", err=True)
    return None
