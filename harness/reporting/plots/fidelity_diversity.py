"""How real the images of each trial look against how varied they are, with the Pareto front."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import legend_above, say, set_scale
from harness.reporting.drawing.theme import BEST_COLOR, MUTED_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot, rows_as_marks
from harness.reporting.results.evaluation import perfect_score
from harness.reporting.results.tables import StudyResults

PAIRS = (("precision", "recall"), ("density", "coverage"))
"""(fidelity, diversity): for both, higher is better. Naeem et al. 2020, section 3."""

COLUMNS = ("panel", "trial", "fidelity", "diversity", "front", "best", "real_x", "real_y")


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per pair of scores and completed trial that has both; the columns COLUMNS.

    front: whether no other trial is at least as good in both and better in one. real_x, real_y:
    what real images read in place of generated ones, missing if not recorded.
    """
    parts = [_pair(results, *pair) for pair in PAIRS if set(pair) <= set(results.metrics)]
    parts = [part for part in parts if not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _pair(results: StudyResults, fidelity: str, diversity: str) -> pd.DataFrame:
    trials = results.trials[results.trials["outcome"] == "complete"]
    trials = trials.dropna(subset=[fidelity, diversity])
    best = results.winner.trial if results.winner else None
    frame = pd.DataFrame(
        {
            "panel": f"{fidelity} and {diversity}",
            "trial": trials["number"],
            "fidelity": trials[fidelity],
            "diversity": trials[diversity],
            "front": pareto_front(trials[fidelity], trials[diversity]),
            "best": trials["number"] == best,
            "real_x": perfect_score(results.evaluation, fidelity),
            "real_y": perfect_score(results.evaluation, diversity),
        }
    )
    return frame[list(COLUMNS)]


def pareto_front(one: pd.Series, other: pd.Series) -> pd.Series:
    """Whether nothing is at least as high in both and higher in one; equal points share it."""
    order = pd.DataFrame({"one": one, "other": other}, dtype="float64")
    order = order.sort_values(["one", "other"], ascending=False)
    above = order["other"].cummax().shift(fill_value=-np.inf)
    first = ~order.duplicated()
    front = (order["other"] > above) | ~first
    # A repeated point is on the front where the first one of its kind is.
    return front.groupby([order["one"], order["other"]]).transform("first").reindex(one.index)


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A point per trial, those of the front joined by a line, and real images as a star."""
    if frame.empty:
        say(ax, "no trial has these scores")
        return
    shown = {"x": frame["fidelity"], "y": frame["diversity"]}
    for name, values in shown.items():
        ends = [*values, *frame[f"real_{name}"].dropna()]
        set_scale(ax, name, "linear", (min(ends), max(ends)))
    front = frame[frame["front"]].sort_values(["fidelity", "diversity"])
    ax.plot(
        front["fidelity"],
        front["diversity"],
        color=MUTED_COLOR,
        linewidth=1.2,
        label="Pareto front",
        zorder=1,
    )
    color = OUTCOME_COLOR["complete"]
    sns.scatterplot(
        frame, x="fidelity", y="diversity", color=color, s=36, linewidth=0, alpha=0.8, ax=ax
    )
    for row in front.head(6).itertuples():
        at = (row.fidelity, row.diversity)
        ax.annotate(
            f"{row.trial}",
            at,
            xytext=(5, 4),
            textcoords="offset points",
            fontsize=8,
            color=BEST_COLOR if row.best else MUTED_COLOR,
        )
    best = frame[frame["best"]]
    label = "winner" if len(best) else None
    ax.scatter(best["fidelity"], best["diversity"], color=BEST_COLOR, s=64, zorder=4, label=label)
    real = frame[["real_x", "real_y"]].iloc[0]
    if real.notna().all():
        ax.scatter(
            real["real_x"],
            real["real_y"],
            marker="*",
            s=110,
            color=MUTED_COLOR,
            label="real images",
            zorder=3,
        )
    names = frame["panel"].iloc[0].split(" and ")
    ax.set(xlabel=f"{names[0]} (fidelity)", ylabel=f"{names[1]} (diversity)")
    legend_above(ax)


def caption(results: StudyResults) -> str:
    """What the points are, and which trials are on the front."""
    frame = summarise(results)
    if frame.empty:
        return "No completed trial has scores of both fidelity and diversity."
    first = frame[frame["panel"] == frame["panel"].iloc[0]]
    text = (
        f"Fidelity against diversity of the generated images at the end (n = {len(first)} "
        f"completed trials); up and right is better. Trials on the Pareto front are named: no "
        f"other is at least as good in both. One number such as {results.objective} weighs both "
        f"against each other; here they are apart."
    )
    if first[["real_x", "real_y"]].notna().all().all():
        text += " Star: real images in place of generated ones."
    return text


def finding(frame: pd.DataFrame) -> str:
    """The trials on the front."""
    front = frame[frame["front"]].sort_values("fidelity", ascending=False)
    parts = [
        f"trial {r.trial} ({formats.number(r.fidelity)}, {formats.number(r.diversity)})"
        for r in front.head(4).itertuples()
    ]
    more = f" and {len(front) - 4:,} more" if len(front) > 4 else ""
    return f"On the Pareto front: {', '.join(parts)}{more}"


fidelity_diversity = Plot(
    title="Fidelity and diversity",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Scatter plot of {panel}, one point per completed trial",
    order=35,
    finding=finding,
    marks=rows_as_marks("fidelity", "diversity"),
)
