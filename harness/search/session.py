"""One session: one run of a command at a study, with its plan, display and signals."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from harness.cli.options import RECORDED, REPORTS
from harness.core.errors import InputError
from harness.core.interruption import interruption
from harness.core.quiet_import import quiet_import
from harness.core.spec.lookup import CLAIMS
from harness.core.spec.study_spec import StudySpec
from harness.data.load import check_available
from harness.outcomes.run_table import RUN_TABLE_FILE
from harness.search.confirmation import confirmation_study, with_winner
from harness.search.display.events import Message
from harness.search.display.terminal import Display, PlanProgress, print_wrapped
from harness.search.plan import StudyPlan, Workforce
from harness.search.publication import publish
from harness.search.run import run_study
from harness.search.study.trials import StudyOutcome
from harness.search.tuning import chosen, tuned, tuning_lines, tuning_study
from harness.search.workers.resources import suggested
from harness.tracking.failures import stopped
from harness.tracking.stores.layout import default_layout

ONE_WORKER = Workforce()

_STOPPING_HERE = "stopping after this step; again to stop now", 2
_STOPPING_WORKERS = "the workers stop after their step; again to end them now", 3
"""What a person is told at the first Ctrl-C, and the number of them that ends this process."""


def make_plan(
    spec: StudySpec,
    *,
    storage: str | None = None,
    tracking_uri: str | None = None,
    data_dir: Path | None = None,
    timeout: float | None = None,
    workforce: Workforce = ONE_WORKER,
    suggest_workers: bool = False,
    reuse: bool = True,
    system_metrics: bool = False,
) -> StudyPlan:
    """The plan for ``spec``; a store that is not named is the one in the default layout.

    ``suggest_workers``: whether the workforce gets as many workers as suit the study here.
    ``reuse``: whether trials that the store holds already are taken from there.
    ``system_metrics``: whether the runs of trials record what the machine does; InputError where
    that cannot be recorded.
    """
    if timeout is not None and math.isnan(timeout):
        raise InputError("--timeout is nan; allowed: seconds, 0 and above")
    if system_metrics:
        from harness.tracking.system_metrics import check_variables  # needs psutil

        check_variables()
    layout = default_layout()
    return StudyPlan(
        spec=spec,
        layout=layout,
        storage_url=storage or layout.storage_url,
        tracking_uri=tracking_uri or layout.tracking_uri,
        data_dir=data_dir,
        timeout=timeout,
        workforce=suggested(workforce, spec) if suggest_workers else workforce,
        reuse=reuse,
        system_metrics=system_metrics,
        run_tables=tuple(folder / CLAIMS / RUN_TABLE_FILE for folder in (REPORTS, RECORDED)),
    )


def run_session(plan: StudyPlan, console: Console, progress: PlanProgress) -> StudyOutcome:
    """Run the plan under a display on ``console``; Ctrl-C and SIGTERM stop it."""
    print_wrapped(console, plan.spec.question, "bold")
    word, presses_to_end = _STOPPING_HERE if plan.workforce.in_process else _STOPPING_WORKERS
    with Display(console, plan.spec, progress) as display, _outages():

        def say() -> None:
            display.show(Message(word))

        with interruption.checked(say, presses_to_end):
            return run_study(plan, display.show)


@contextmanager
def _outages() -> Iterator[None]:
    """Turn a full disk or an unreachable store into one line; finished trials are kept."""
    try:
        yield
    except Exception as error:
        if (outage := stopped(error)) is None:
            raise
        raise outage from error


def tuned_plan(plan: StudyPlan, console: Console) -> tuple[StudyPlan, StudyOutcome | None]:
    """The plan with its arms tuned, and how the tuning went; None if nothing was left to tune.

    Where the tuning was stopped, it is not complete and the plan is as it was. Raises InputError
    for a tuning that began with another declaration.
    """
    spec = plan.spec
    if spec.tune is None or spec.arms is None:
        return plan, None
    arms = [arm for arm in spec.arms.names if spec.arms.seeds_of(arm)]
    found, outcome, left = chosen(spec, plan.storage_url), None, plan.timeout
    if not all(arm in found for arm in arms):
        tuning = tuning_study(spec)
        outcome = run_session(
            dataclasses.replace(plan, spec=tuning), console, PlanProgress.of(tuning)
        )
        if not outcome.complete:
            return plan, outcome
        found = chosen(spec, plan.storage_url)
        left = None if left is None else max(0.0, left - outcome.wall_seconds)
    for line in tuning_lines(spec, {arm: found[arm] for arm in arms}):
        print_wrapped(console, line)
    return dataclasses.replace(plan, spec=tuned(spec, found), timeout=left), outcome


def run_and_confirm(plan: StudyPlan, console: Console) -> tuple[StudyOutcome, StudyOutcome | None]:
    """Run the plan and, once its search is complete, its confirmation; both outcomes.

    The first has the study's winner, which is written to MLflow once both are complete.
    """
    progress = PlanProgress.of(plan.spec, plan.workforce.workers)
    outcome, confirmation = run_session(plan, console, progress), None
    if plan.spec.confirm is not None and outcome.complete and outcome.best is not None:
        confirmation = _confirm(plan, console, progress, outcome)
    with _outages():
        outcome = with_winner(outcome, plan.spec, plan.storage_url)
        if all(one.complete for one in (outcome, confirmation) if one):
            for line in publish(outcome, plan, confirmed=confirmation is not None):
                print_wrapped(console, line)
    return outcome, confirmation


def _confirm(
    plan: StudyPlan, console: Console, progress: PlanProgress, search: StudyOutcome
) -> StudyOutcome:
    """Run the confirmation of ``search``, a look at a time, until its race is over."""
    spec, ran, taken = confirmation_study(plan.spec, plan.storage_url), 0, 0.0
    while True:
        assert spec.arms is not None
        progress.confirm(search.total, spec.arms)
        used = search.wall_seconds + taken
        left = None if plan.timeout is None else max(0.0, plan.timeout - used)
        outcome = run_session(dataclasses.replace(plan, spec=spec, timeout=left), console, progress)
        ran, taken = ran + outcome.ran, taken + outcome.wall_seconds
        wider = confirmation_study(plan.spec, plan.storage_url)
        if not outcome.complete or wider.arms == spec.arms:
            return dataclasses.replace(outcome, ran=ran, wall_seconds=taken)
        spec = wider


def declare(specs: Sequence[StudySpec], data_dir: Path | None) -> None:
    """Print each resolved study as JSON, every field of the base configuration included.

    On standard error: what Keras would download first. Raises InputError if a study asks for
    networks that cannot be built or for data that cannot be had.
    """
    with quiet_import():
        from harness.search.trial.setup import check_buildable
    for spec in specs:
        check_buildable(spec)
        if missing := check_available(spec.base_config().dataset, data_dir):
            print(missing, file=sys.stderr)
        base = {k: v for k, v in spec.base_config().to_dict().items() if k not in spec.space}
        print(json.dumps({**spec.to_dict(), "base": base}, indent=2))
