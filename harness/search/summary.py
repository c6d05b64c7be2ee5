"""The lines that close a sitting: how the study stands, what is best, where to look."""

from __future__ import annotations

from pathlib import Path

from harness.search.display import duration
from harness.search.run import StudyOutcome
from harness.tracking.server import ui_command

STATE_WORDS = {
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "INTERRUPTED": "interrupted and not counted",
}


def summary_lines(outcome: StudyOutcome, page: Path | None, tracking_uri: str) -> list[str]:
    """What to print after ``outcome``; ``page`` is the report, ``tracking_uri`` the store."""
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
        lines[0] += f"; {outcome.ran} in this sitting, {seconds}"
    lines += _best_lines(outcome)
    if not outcome.complete:
        lines.append("go on:   the same command again")
    if page is not None:
        lines.append(f"report:  {page}")
    lines.append(f"browse:  python -m harness.ui     or: {ui_command(tracking_uri)}")
    return lines


def _best_lines(outcome: StudyOutcome) -> list[str]:
    if outcome.best is None:
        return ["best:    no trial is complete"]
    best, metric = outcome.best, outcome.metric
    line = f"best:    trial {best['trial']}, {metric} {best['value']:.4g}"
    if metric in outcome.untrained:
        line += f" (an untrained generator: {outcome.untrained[metric]:.4g})"
    if "modes_captured" in best["scores"] and metric != "modes_captured":
        line += f", modes_captured {best['scores']['modes_captured']:g}"
    params = "  ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in best["params"].items()
    )
    return [line, f"         {params}"] if params else [line]


def score_lines(outcome: StudyOutcome) -> list[str]:
    """A line for each score of the best trial, beside the untrained generator's."""
    scores = outcome.best["scores"] if outcome.best else {}
    if not scores:
        return []
    width = max(map(len, scores))
    lines = [f"{'':<{width}}  {'trained':>10}  {'untrained':>10}"]
    for name, value in scores.items():
        untrained = outcome.untrained.get(name)
        before = "" if untrained is None else f"{untrained:>10.4g}"
        lines.append(f"{name:<{width}}  {value:>10.4g}  {before}".rstrip())
    return lines
