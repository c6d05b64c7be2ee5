"""How far each trial came and how it ended."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import legend_above, say, set_scale, whole_numbers
from harness.reporting.drawing.theme import OUTCOME_COLOR
from harness.reporting.plots import Plot, rows_as_marks
from harness.reporting.results.tables import OUTCOMES, StudyResults, param_column

MANY_TRIALS = 500
"""Beyond it, a bar is thinner than a line, and a line per trial is drawn in its place."""


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per trial: trial, outcome, images_seen (the last reported, 0 without any)."""
    trials = results.trials.rename(columns={"number": "trial"})
    return trials[["trial", "outcome", "images_seen"]].copy()


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A bar per trial, as high as the images it saw, in the colour of its outcome."""
    if frame.empty:
        say(ax, "no trial yet")
        return
    for outcome in OUTCOMES:
        rows = frame[frame["outcome"] == outcome]
        if rows.empty:
            continue
        color = OUTCOME_COLOR[outcome]
        word = "completed" if outcome == "complete" else outcome
        label = f"{word} ({len(rows)})"
        if len(frame) <= MANY_TRIALS:
            ax.bar(rows["trial"], rows["images_seen"], width=0.78, color=color, label=label)
        else:
            ax.vlines(rows["trial"], 0, rows["images_seen"], color=color, label=label)
        none = rows[rows["images_seen"] == 0]
        ax.scatter(none["trial"], none["images_seen"], marker="x", color=color, clip_on=False)
    top = max(1, int(frame["images_seen"].max()))
    set_scale(ax, "y", "linear", (0, top))
    whole_numbers(ax.xaxis)
    ax.set(xlabel="trial", ylabel="training images seen", ylim=(0, top * 1.04))
    ax.set_xlim(frame["trial"].min() - 0.8, frame["trial"].max() + 0.8)
    ax.grid(False, axis="x")
    legend_above(ax)


def caption(results: StudyResults) -> str:
    """The number of trials of each outcome, and what share of their images pruned trials saw."""
    number = {word: n for word, n in results.counts.items() if n}
    if not number:
        return "No trial was run."
    words = ["completed" if word == "complete" else word for word in number]
    parts = [f"{n:,} {word}" for n, word in zip(number.values(), words, strict=True)]
    total = len(results.trials)
    text = f"Training images that each trial saw (n = {total:,}: {formats.listing(parts)})."
    pruned = results.trials[results.trials["outcome"] == "pruned"]
    budget = pruned[param_column("images")].sum(min_count=1)
    if len(pruned) and pd.notna(budget) and budget > 0:
        text += f" Pruned trials saw {pruned['images_seen'].sum() / budget:.0%} of their images."
    return text


def finding(frame: pd.DataFrame) -> str:
    """How many trials ended in each way."""
    counts = frame["outcome"].value_counts()
    words = {"complete": "completed"}
    return formats.listing([f"{counts[o]:,} {words.get(o, o)}" for o in OUTCOMES if o in counts])


states = Plot(
    title="How the trials ended",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Bar chart of the training images that each trial saw, coloured by how it ended",
    order=50,
    height=2.8,
    finding=finding,
    marks=rows_as_marks("trial", "images_seen"),
)
