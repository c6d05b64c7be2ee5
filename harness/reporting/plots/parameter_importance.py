"""Which searched fields decide whether a trial is among the best: PED-ANOVA shares."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from harness.reporting.drawing.axes import say
from harness.reporting.drawing.theme import MUTED_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot, height_by_rows
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.importance import (
    FEWEST_TRIALS,
    MIN_TRIALS,
    best_of,
    importance,
    share_intervals,
)


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per searched field, the most important first: field, share (sums to 1), low, high, n.

    No rows where there is no importance; the caption says why.
    """
    return share_intervals(results)


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """Horizontal bars with their intervals, and the shares written at the right."""
    if frame.empty:
        say(ax, "no importance")
        return
    color = OUTCOME_COLOR["complete"]
    sns.barplot(frame, x="share", y="field", ax=ax, color=color, saturation=1, width=0.5, alpha=0.8)
    ax.hlines(range(len(frame)), frame["low"], frame["high"], color=MUTED_COLOR, linewidth=2.2)
    for index, words in enumerate(_shares(frame)):
        ax.annotate(
            words,
            (1.02, index),
            xycoords=("axes fraction", "data"),
            va="center",
            annotation_clip=False,
        )
    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    ax.set(xlabel="share of the importance", ylabel="", xlim=(0, 1))
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)


def caption(results: StudyResults) -> str:
    """What the shares mean and how many trials they rest on; or why there are none."""
    frame = share_intervals(results)
    if frame.empty:
        found = importance(results)
        reason = found.reason or "no field separates the best trials"
        if len(results.spec.space) > 1 and found.num_trials < FEWEST_TRIALS:
            reason = f"it takes {FEWEST_TRIALS} completed trials; there are {found.num_trials}"
        return f"No parameter importance: {reason}."
    n = int(frame["n"].iloc[0])
    text = (
        f"How much each field decides whether a trial is among the best {best_of(n)} of n = {n} "
        f"completed trials, as a share of the whole (PED-ANOVA, Watanabe et al. 2023). Brackets "
        f"and lines: 95 % intervals over resamples of the trials."
    )
    if n < MIN_TRIALS:
        text += (
            f" This is weak evidence: from {n} trials the largest share may be luck, and the "
            f"intervals are too narrow. Claims ask for {MIN_TRIALS} trials at least."
        )
    elif n < 50:
        text += " With so few trials the order is more reliable than the percentages."
    return text


def finding(frame: pd.DataFrame) -> str:
    """The shares with their intervals."""
    parts = [f"{name} {words}" for name, words in zip(frame["field"], _shares(frame), strict=True)]
    return f"Shares with 95 % intervals: {', '.join(parts)}; n = {int(frame['n'].iloc[0])} trials"


def _shares(frame: pd.DataFrame) -> list[str]:
    """The share of each field with its interval, as text."""
    numbers = zip(frame["share"], frame["low"], frame["high"], strict=True)
    return [f"{share:.0%} ({low:.0%} to {high:.0%})" for share, low, high in numbers]


parameter_importance = Plot(
    title="Parameter importance",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Bar chart of the importance of each searched field",
    order=30,
    height=height_by_rows("field", 0.34),
    finding=finding,
)
