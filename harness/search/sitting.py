"""One sitting at a study, as the doors start it: the plan, the display, the signals."""

from __future__ import annotations

import signal
from pathlib import Path

from rich.console import Console

from harness.core.study_file import StudySpec
from harness.search.display import Display
from harness.search.run import StudyOutcome, StudyPlan, run_study
from harness.tracking.layout import default_layout


def make_plan(
    spec: StudySpec,
    *,
    storage: str | None = None,
    tracking_uri: str | None = None,
    data_dir: Path | None = None,
    timeout: float | None = None,
) -> StudyPlan:
    """The plan for ``spec``; a store that is not named is the one in the default layout."""
    layout = default_layout()
    return StudyPlan(
        spec=spec,
        layout=layout,
        storage_url=storage or layout.storage_url,
        tracking_uri=tracking_uri or layout.tracking_uri,
        data_dir=data_dir,
        timeout=timeout,
    )


def sit(plan: StudyPlan, console: Console) -> StudyOutcome:
    """Run the plan under a display on ``console``; SIGTERM ends it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console.print(plan.spec.question, style="bold", markup=False, soft_wrap=True)
    with Display(console, plan.spec) as display:
        return run_study(plan, display)
