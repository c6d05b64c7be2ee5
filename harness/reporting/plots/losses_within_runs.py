"""Each loss against fid at the same reports: whether a loss tells how good the images are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import say, set_scale, value_scale
from harness.reporting.drawing.theme import BEST_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot, rows_as_marks
from harness.reporting.plots.learning_curves import LOSSES, curves
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.ranking import within_run_correlations

MOST_POINTS = 3_000  # beyond it, points hide each other


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per loss and report: panel (the loss), trial, images_seen, loss, fid, best.

    Of more than MOST_POINTS reports, about MOST_POINTS at equal distances are kept, and those of
    the winner.
    """
    frame = curves(results, ["fid", *LOSSES])
    keys = ["trial", "images_seen"]
    fid = frame[frame["panel"] == "fid"][[*keys, "value"]].rename(columns={"value": "fid"})
    losses = frame[frame["panel"] != "fid"].rename(columns={"value": "loss"})
    both = losses.drop(columns="outcome").merge(fid.drop_duplicates(keys), on=keys)
    step = -(-len(both) // MOST_POINTS)
    both = both[both["best"] | (np.arange(len(both)) % step == 0)] if step > 1 else both
    return both[["panel", *keys, "loss", "fid", "best"]].reset_index(drop=True)


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A point per report; the winner's joined in the order of training, its end larger."""
    if frame.empty:
        say(ax, "no report has both a loss and a fid")
        return
    for which in ("loss", "fid"):
        values = frame[which]
        letter = "x" if which == "loss" else "y"
        set_scale(ax, letter, value_scale(values), (values.min(), values.max()))
    rest, best = frame[~frame["best"]], frame[frame["best"]]
    if not rest.empty:
        sns.scatterplot(
            rest,
            x="loss",
            y="fid",
            color=OUTCOME_COLOR["complete"],
            s=14,
            alpha=0.45,
            linewidth=0,
            legend=False,
            ax=ax,
        )
    ax.plot(best["loss"], best["fid"], color=BEST_COLOR, linewidth=1.4, marker="o", markersize=3)
    ax.scatter(best["loss"].tail(1), best["fid"].tail(1), color=BEST_COLOR, s=60, zorder=4)
    ax.set(xlabel=frame["panel"].iloc[0], ylabel="fid")


def caption(results: StudyResults) -> str:
    """What the points are, and the rank correlations within runs."""
    frame = summarise(results)
    if frame.empty:
        return "No report has both a loss and a fid."
    text = (
        f"Each point is a report of a trial (n = {frame['trial'].nunique()} trials), with the loss "
        f"since the report before; the winner's are joined, the large one is its last."
    )
    parts = []
    for loss, rho in within_run_correlations(results).items():
        middle, low, high = (f"{v:+.2f}" for v in (rho.median(), rho.min(), rho.max()))
        parts.append(f"{middle} for {loss} ({low} to {high}, n = {len(rho)} trials)")
    if parts:
        words = formats.listing(parts).replace("-", "\N{MINUS SIGN}")
        text += (
            f" Spearman's rank correlation of loss and fid within a trial, median and range: "
            f"{words}. A loss that told would be near +1 in every trial."
        )
    return text


def finding(frame: pd.DataFrame) -> str:
    """The rank correlation over the winner's own reports."""
    best = frame[frame["best"]]
    ranks = best[["loss", "fid"]].rank()
    if len(best) < 3 or not (ranks.nunique() > 1).all():
        return ""
    rho = float(np.corrcoef(ranks.to_numpy(), rowvar=False)[0, 1])
    text = f"{rho:+.2f}".replace("-", "\N{MINUS SIGN}")
    return (
        f"Over the {len(best)} reports of the winner, trial {best['trial'].iloc[0]}, loss and fid "
        f"have a rank correlation of {text}"
    )


losses_within_runs = Plot(
    title="What the losses tell",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Scatter plot of fid against {panel}, one point per report",
    order=41,
    finding=finding,
    marks=rows_as_marks("loss", "fid"),
)
