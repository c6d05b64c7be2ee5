"""The summary that closes a session: trials by state, the winner, the report and the UI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.schema import FID_LATE, SCORE_INTERVALS
from harness.search.display.terminal import OR, duration
from harness.search.study.trials import StudyOutcome
from harness.tracking.ui.server import ui_command

STATE_WORDS = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "INTERRUPTED": "interrupted and not counted",
}


def summary_lines(
    outcomes: Sequence[StudyOutcome], page: Path | None, tracking_uri: str
) -> list[str]:
    """The lines to print after a study and its confirmation, if it has one.

    ``page`` is the report, ``tracking_uri`` the store.
    """
    lines = [line for outcome in outcomes for line in _lines(outcome)]
    if not outcomes[0].arms:
        lines += _winner_lines(outcomes[0])
    if not all(outcome.complete for outcome in outcomes):
        lines.append("resume:  the same command again")
    if page is not None:
        lines.append(f"report:  {page}")
    if outcomes[0].winner is not None and outcomes[0].best is not None:
        name = outcomes[0].name
        lines.append(
            f"use:     python -m harness.generate {name}{OR}"
            f"python -m harness.export {name} --output DIR"
        )
    lines.append(f"browse:  python -m harness.ui{OR}{ui_command(tracking_uri)}")
    return lines


def _lines(outcome: StudyOutcome) -> list[str]:
    """How many trials one study has, by state, and the scores of its arms."""
    counts = ", ".join(
        f"{outcome.states[state]} {word}"
        for state, word in STATE_WORDS.items()
        if outcome.states.get(state)
    )
    if outcome.ran == 0 and outcome.complete:
        head = f"study {outcome.name} is complete: {outcome.done} of {outcome.total} trials"
    else:
        head = f"study {outcome.name}: {outcome.done} of {outcome.total} trials done"
    lines = [f"{head} ({counts})" if counts else head]
    if outcome.ran:
        seconds = duration(outcome.wall_seconds)
        lines[0] += f"; {outcome.ran} in this session, {seconds}"
    return [*lines, *_arm_lines(outcome)] if outcome.arms else lines


def _arm_lines(outcome: StudyOutcome) -> list[str]:
    """The metric of every arm, seed by seed; a verdict is left to the report."""
    width = max(map(len, outcome.arms))
    return [
        f"  {name.ljust(width)}  {outcome.metric} "
        + ("  ".join(f"{value:.4g}" for value in values) or "no trial is complete")
        for name, values in outcome.arms.items()
    ]


def _winner_lines(outcome: StudyOutcome) -> list[str]:
    """The winner in words, what its trial scored in the search, and its configuration."""
    if outcome.winner is None or outcome.best is None:
        return ["winner:  none, no trial is complete"]
    best, metric = outcome.best, outcome.metric
    facts = [f"{metric} {best['value']:.4g}"]
    if metric == FID_LATE and "fid" in best["scores"]:
        facts.append(f"fid of the generator that is kept {best['scores']['fid']:.4g}")
    if "modes_captured" in best["scores"] and metric != "modes_captured":
        facts.append(f"modes_captured {best['scores']['modes_captured']:g}")
    line = f"         trial {best['trial']} in the search: {', '.join(facts)}"
    if metric in outcome.untrained:
        line += f"; an untrained generator: {metric} {outcome.untrained[metric]:.4g}"
    params = "  ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in best["params"].items()
    )
    lines = [f"winner:  {outcome.winner['words']}", line]
    return [*lines, f"         {params}"] if params else lines


def score_report(outcome: StudyOutcome) -> dict[str, dict[str, Any]]:
    """Each score of the winner's trial with the figures to compare it with, ready for JSON.

    value; interval: [low, high] of 95 %; null_level: what a generator without error reads on
    average, by formula; perfect: what real images read; untrained: what the base configuration
    reads before its first step. None where there is none.
    """
    scores = outcome.best["scores"] if outcome.best else {}
    ends = {name for pair in SCORE_INTERVALS.values() for name in pair}
    report = {}
    for name in scores.keys() - ends:
        low, high = (scores.get(end) for end in SCORE_INTERVALS.get(name, ("", "")))
        scale = outcome.scale.get(name, {})
        report[name] = {
            "value": scores[name],
            "interval": None if low is None or high is None else [low, high],
            "null_level": scale.get("null_level"),
            "perfect": scale.get("perfect"),
            "untrained": outcome.untrained.get(name),
        }
    return dict(sorted(report.items()))


def score_lines(outcome: StudyOutcome) -> list[str]:
    """A table of ``score_report`` with a heading; empty where no trial is complete."""
    report = score_report(outcome)
    if not report:
        return []
    rows = [["", "trained", "95 % interval", "null level", "perfect", "untrained"]]
    rows += [[name, *map(_cell, row.values())] for name, row in report.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]


def _cell(value: float | list[float] | None) -> str:
    if isinstance(value, list):
        return " to ".join(map(_cell, value))
    return "" if value is None else f"{value:.4g}"
