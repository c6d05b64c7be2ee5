"""Curves of trials: a line each in the colour of its outcome, the winner's bold, some labelled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.reporting.drawing.theme import BEST_COLOR, MUTED_COLOR, OUTCOME_COLOR

MANY_TRIALS = 60  # beyond it, lines are fainter, so that the bundle shows its density
LABEL_GAP = 0.055  # of the height of the axes, between two labels


def draw_curves(frame: pd.DataFrame, ax: Axes) -> None:
    """A line per trial of ``frame``: x, value, trial, outcome, best, label ("" for none)."""
    rest = frame[~frame["best"]]
    low, high = frame["value"].min(), frame["value"].max()
    if np.isclose(low, high, rtol=1e-9):  # equal but for rounding: matplotlib finds no limits
        ax.set_ylim(low - 0.1 * abs(low) - 1e-9, high + 0.1 * abs(high) + 1e-9)
    if not rest.empty:
        sns.lineplot(
            rest,
            x="x",
            y="value",
            hue="outcome",
            palette=OUTCOME_COLOR,
            units="trial",
            estimator=None,
            linewidth=0.9,
            alpha=0.5 if rest["trial"].nunique() < MANY_TRIALS else 0.25,
            legend=False,
            ax=ax,
        )
    _mark_ends(rest, ax)
    best = frame[frame["best"]]
    ax.plot(best["x"], best["value"], color=BEST_COLOR, linewidth=2.2, zorder=4)


def label_curves(frame: pd.DataFrame, ax: Axes) -> None:
    """The labels right of the axes, each at the height of its curve's end, none over another.

    Called once the scale and the limits of the axes are final.
    """
    ends = frame[frame["label"] != ""].groupby("trial", sort=False).tail(1)
    if ends.empty:
        return
    points = ax.transData.transform(ends[["x", "value"]].to_numpy(dtype="float64"))
    heights = np.clip(ax.transAxes.inverted().transform(points)[:, 1], 0.0, 1.0)
    floor = -1.0
    for height, (_, row) in sorted(
        zip(heights, ends.iterrows(), strict=True), key=lambda pair: float(pair[0])
    ):
        floor = max(float(height), floor + LABEL_GAP)
        ax.annotate(
            str(row["label"]),
            (1.01, floor),
            xycoords="axes fraction",
            va="center",
            fontsize=8,
            color=BEST_COLOR if row["best"] else MUTED_COLOR,
            annotation_clip=False,
        )


def _mark_ends(rest: pd.DataFrame, ax: Axes) -> None:
    """A dot where a pruned or failed trial stopped."""
    ends = rest[rest["outcome"] != "complete"].groupby("trial").tail(1)
    for outcome, rows in ends.groupby("outcome"):
        color = OUTCOME_COLOR[str(outcome)]
        ax.scatter(rows["x"], rows["value"], color=color, s=10, linewidths=0, zorder=3)
