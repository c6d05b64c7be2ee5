"""Each pair of searched fields: where the good trials lie, which one field alone may hide."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import say
from harness.reporting.drawing.fields import (
    FieldAxis,
    goodness,
    positions,
    set_field_axis,
    spread,
)
from harness.reporting.drawing.theme import BEST_COLOR, OUTCOME_COLOR, rank_palette
from harness.reporting.plots import Plot
from harness.reporting.results.tables import StudyResults

FIRST = (("learning_rate", "optimizer"), ("leaky_slope", "pixel_scaling"))
"""The pairs that are shown first: fields that are known to depend on each other."""

MOST_PAIRS = 6
TOP = 0.25
"""The share of the completed trials that the text alternative calls the best."""

COLUMNS = ("panel", "trial", "outcome", "x", "y", "goodness", "best", "axes")


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per pair of searched fields and trial; the columns COLUMNS.

    x, y: the positions on both axes, described by ``axes``, a pair of FieldAxis. goodness: rank
    among the completed trials, from 0 to 1, the best; missing for others. best: the winner.
    """
    parts = [_pair(results, *pair) for pair in pairs(results)]
    parts = [part for part in parts if not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def pairs(results: StudyResults) -> list[tuple[str, str]]:
    """The pairs that are shown, MOST_PAIRS at most: those of FIRST before the others."""
    space = results.spec.space
    found = [pair for pair in FIRST if set(pair) <= set(space)]
    known = {frozenset(pair) for pair in found}
    found += [pair for pair in combinations(space, 2) if frozenset(pair) not in known]
    return found[:MOST_PAIRS]


def _pair(results: StudyResults, one: str, other: str) -> pd.DataFrame:
    space, trials = results.spec.space, results.trials
    axes = FieldAxis.of(one, space[one]), FieldAxis.of(other, space[other])
    if axes[0].scale == "category" and axes[1].scale != "category":  # choices fit better upright
        one, other, axes = other, one, (axes[1], axes[0])
    best = results.winner.trial if results.winner else None
    frame = pd.DataFrame(
        {
            "panel": f"{one} x {other}",
            "trial": trials["number"],
            "outcome": trials["outcome"],
            "x": positions(results, one),
            "y": positions(results, other),
            "goodness": goodness(results),
            "best": trials["number"] == best,
            "axes": [axes] * len(trials),
        }
    )
    return frame[frame["outcome"].isin(["complete", "pruned", "failed"])].dropna(subset=["x", "y"])


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A point per trial: the better its rank, the larger and the more it stands out."""
    if frame.empty:
        say(ax, "fewer than two searched fields")
        return
    axes: tuple[FieldAxis, FieldAxis] = frame["axes"].iloc[0]
    frame = _placed(frame)
    _draw_unfinished(frame, ax)
    done = frame.dropna(subset=["goodness"])
    if not done.empty:
        sns.scatterplot(
            done.sort_values("goodness"),
            x="x",
            y="y",
            hue="goodness",
            hue_norm=(0, 1),
            size="goodness",
            size_norm=(0, 1),
            sizes=(14, 80),
            palette=rank_palette(),
            linewidth=0,
            legend=False,
            ax=ax,
        )
    best = done[done["best"]]
    ax.scatter(best["x"], best["y"], s=150, facecolor="none", edgecolor=BEST_COLOR, linewidths=2)
    set_field_axis(ax, "x", axes[0])
    set_field_axis(ax, "y", axes[1])
    ax.set(xlabel=axes[0].name, ylabel=axes[1].name)


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with ``x`` and ``y`` where each point stands: those of one choice apart."""
    for name, axis, factor in zip("xy", frame["axes"].iloc[0], (1.0, 1.7), strict=True):
        if axis.scale == "category":  # another spread on each axis, so that points do not line up
            aside = spread(frame["trial"] * factor)
            frame = frame.assign(**{name: frame[name] + aside})
    return frame


def _draw_unfinished(frame: pd.DataFrame, ax: Axes) -> None:
    """Pruned trials as small rings, failed ones as crosses."""
    ring, cross = OUTCOME_COLOR["pruned"], OUTCOME_COLOR["failed"]
    look: dict[str, dict[str, Any]] = {
        "pruned": {"facecolor": "none", "edgecolor": ring},
        "failed": {"marker": "x", "color": cross},
    }
    for outcome, style in look.items():
        rows = frame[frame["outcome"] == outcome]
        if not rows.empty:
            ax.scatter(rows["x"], rows["y"], s=16, linewidths=0.9, **style)


def caption(results: StudyResults) -> str:
    """What the panels show, with the numbers of trials."""
    number, shown = results.counts, len(pairs(results))
    if not shown:
        return "Fewer than two fields were searched: there is no pair."
    if results.trials.empty:
        return "No trial was run."
    total = len(results.spec.space) * (len(results.spec.space) - 1) // 2
    text = (
        f"Pairs of searched fields (n = {number['complete']} completed trials). The larger a point "
        f"and the more it stands out from the paper, the better its rank by {results.objective}; "
        f"the ring is the winner. Hollow: {number['pruned']} pruned; crosses: {number['failed']} "
        f"failed. Points of one choice are spread so that they do not hide each other. Good trials "
        f"in one corner alone are a hint that the fields depend on each other."
    )
    return text + (f" Shown are {shown} of {total} pairs." if shown < total else "")


def finding(frame: pd.DataFrame) -> str:
    """Where the best quarter of the completed trials lies."""
    done = frame.dropna(subset=["goodness"])
    if done.empty:
        return "No trial was completed"
    top = done[done["goodness"] >= 1 - TOP]
    parts = []
    for name, axis in zip("xy", frame["axes"].iloc[0], strict=True):
        if axis.choices:
            found = sorted({axis.text(at) for at in top[name]})
            parts.append(f"{axis.name} {formats.listing(found)}")
        else:
            low, high = (formats.number(float(end)) for end in (top[name].min(), top[name].max()))
            parts.append(f"{axis.name} {low}" if low == high else f"{axis.name} {low} to {high}")
    return f"The best {formats.count(len(top), 'trial')} have {' and '.join(parts)}"


field_pairs = Plot(
    title="Pairs of fields",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Scatter plot of trials by {panel}, coloured by their rank in {metric}",
    order=21,
    finding=finding,
    marks=lambda frame: _placed(frame)[["trial", "x", "y"]],
)
