"""What the plots share on an axis: its scale, its number format, marks at its upper edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from harness.reporting import formats
from harness.reporting.drawing.theme import MUTED_COLOR, OUTCOME_COLOR

LOG_RATIO = 10.0
"""Positive values that spread over more than this factor are drawn on a logarithmic axis."""


SIX_DIGITS = len("100,000")
"""Six such numbers below half a column would touch each other."""


def value_scale(values: Iterable[float]) -> str:
    """The scale that shows the finite ones of ``values`` best: "log" or "linear"."""
    array = np.asarray(list(values), dtype="float64")
    array = array[np.isfinite(array)]
    if array.size and array.min() > 0 and array.max() / array.min() > LOG_RATIO:
        return "log"
    return "linear"


def set_scale(ax: Axes, which: str, scale: str, limits: tuple[float, float]) -> None:
    """Give the axis ``which`` ("x" or "y") the scale, with ticks at round numbers.

    Numbers are written out, without powers of ten. limits: the smallest and largest value
    shown, which decide how dense the ticks are.
    """
    axis = ax.xaxis if which == "x" else ax.yaxis
    if scale == "log":
        ax.set(**{f"{which}scale": "log"})
        decades = np.log10(limits[1] / limits[0])
        subs = (1.0, 2.0, 5.0) if decades < 1.2 else (1.0, 3.0) if decades < 2.5 else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_minor_locator(NullLocator())
    else:
        longest = len(formats.number(round(limits[1]))) if which == "x" else 0
        nbins = 6 if longest < SIX_DIGITS else 4 if longest == SIX_DIGITS else 3
        axis.set_major_locator(MaxNLocator(nbins=nbins))
    axis.set_major_formatter(FuncFormatter(lambda value, _: formats.number(value)))


def whole_numbers(axis: Axis) -> None:
    """Ticks of ``axis`` at whole numbers only: trial numbers and counts."""
    axis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(lambda value, _: formats.number(value)))


def mark_at_edge(ax: Axes, frame: pd.DataFrame, x: str) -> None:
    """Mark the trials without a score at the upper edge: failed x, interrupted and running |."""
    for outcome, marker in (("failed", "x"), ("interrupted", "|"), ("running", "|")):
        rows = frame[frame["outcome"] == outcome]
        if rows.empty:
            continue
        ax.scatter(
            rows[x].astype("float64"),
            np.full(len(rows), 0.985),
            transform=ax.get_xaxis_transform(),
            marker=marker,
            color=OUTCOME_COLOR[outcome],
            s=26,
            linewidths=1.4,
            clip_on=False,
            label=f"{outcome} ({len(rows)})",
        )


def edge_words(number: Mapping[str, int]) -> str:
    """What ``mark_at_edge`` shows, in words: the n of each outcome without a score; "" for none."""
    unfinished = number["interrupted"] + number["running"]
    parts = [f"crosses: {number['failed']} failed"] if number["failed"] else []
    parts += [f"ticks: {unfinished} interrupted or not ended"] if unfinished else []
    return f" At the upper edge, {formats.listing(parts)}." if parts else ""


def reference_line(ax: Axes, value: float, words: str, *, below: bool = False) -> None:
    """A dotted line at ``value`` of the y axis, with ``words`` and the value above its right end.

    below: they stand below it. Nothing for a value that is not finite.
    """
    if not np.isfinite(value):
        return
    ax.axhline(value, color=MUTED_COLOR, linestyle=(0, (1, 2)), linewidth=1.2, zorder=1)
    ax.annotate(
        f"{words}, {formats.number(float(value))}",
        (1.0, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3 if below else 2),
        textcoords="offset points",
        ha="right",
        va="top" if below else "bottom",
        fontsize=8,
        color=MUTED_COLOR,
    )


def legend_above(ax: Axes) -> None:
    """The legend above the axes, where it hides no data: one row, several on a small figure."""
    figure = ax.get_figure(root=True)
    if figure is not None and ax.get_legend_handles_labels()[1]:
        columns = 6 if figure.get_figwidth() > 5 else 2
        ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=columns, borderaxespad=0.2)


def say(ax: Axes, words: str) -> None:
    """Show ``words`` in place of the axes: why there is nothing to draw."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, words, ha="center", va="center", transform=ax.transAxes, color=MUTED_COLOR)
