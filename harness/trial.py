"""``python -m harness.trial``: train, score and track one configuration."""

from __future__ import annotations

import json
import sys

from harness.cli import options
from harness.cli.app import FAILED, INTERRUPTED, open_door
from harness.cli.output import lasting_output
from harness.core.interruption import interruption


def trial(
    study: options.Study = "quickstart",
    study_name: options.StudyName = None,
    storage: options.Storage = None,
    tracking_uri: options.TrackingUri = None,
    data_dir: options.DataDir = None,
    seed: options.Seed = None,
    settings: options.Settings = None,
    smoke: options.Smoke = False,
    as_json: options.AsJson = False,
) -> int:
    """Train, score and track one configuration: the study's base with the values of --set.

    The trial is a study of its own, named after the configuration: the same command again shows
    its scores without training.
    """
    from rich.console import Console

    from harness.core.spec.lookup import resolve_study
    from harness.search.display.summary import score_lines, score_report, summary_lines
    from harness.search.display.terminal import print_wrapped
    from harness.search.session import make_plan, run_and_confirm

    spec = resolve_study(study, seed=seed, settings=settings or [], smoke=smoke).single_trial()
    if study_name is not None:
        spec = spec.replace(name=study_name)
    plan = make_plan(
        spec, storage=storage, tracking_uri=tracking_uri, data_dir=data_dir, reuse=False
    )
    console = Console(file=lasting_output(sys.stderr if as_json else sys.stdout))
    outcome, _ = run_and_confirm(plan, console)
    if as_json:
        result = {"config": spec.base_config().to_dict(), "scores": score_report(outcome)}
        print(json.dumps(result, indent=2))
    for line in [*score_lines(outcome), *summary_lines([outcome], None, plan.tracking_uri)]:
        print_wrapped(console, line)
    if outcome.interrupted or interruption.requested:
        return INTERRUPTED
    return FAILED if outcome.best is None else 0


if __name__ == "__main__":
    open_door(trial)
