"""Which searched fields decide whether a trial is among the best: PED-ANOVA shares."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from harness.reporting.drawing.axes import say
from harness.reporting.drawing.theme import OUTCOME_COLOR
from harness.reporting.plots import Plot
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.importance import importance


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per searched field, the most important first: field, share (sums to 1).

    No rows where there is no importance; the caption says why.
    """
    shares = importance(results).shares
    return pd.DataFrame({"field": list(shares), "share": list(shares.values())}).astype(
        {"field": "object", "share": "float64"}
    )


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """Horizontal bars with their shares written at their ends."""
    if frame.empty:
        say(ax, "no importance")
        return
    color = OUTCOME_COLOR["complete"]
    sns.barplot(frame, x="share", y="field", ax=ax, color=color, saturation=1, width=0.6)
    for index, share in enumerate(frame["share"]):
        ax.annotate(
            f"{share:.0%}", (share, index), xytext=(4, 0), textcoords="offset points", va="center"
        )
    ax.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    ax.set(xlabel="share of the importance", ylabel="", xlim=(0, frame["share"].max() * 1.12))
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)


def caption(results: StudyResults) -> str:
    """What the shares mean and how many trials they rest on; or why there are none."""
    found = importance(results)
    if not found.shares:
        return f"No parameter importance: {found.reason}."
    top = max(1, round(found.quantile * found.num_trials))
    return (
        f"How much each field decides whether a trial is among the best {top} of "
        f"n = {found.num_trials} completed trials, as a share of the whole (PED-ANOVA, Watanabe et "
        f"al. 2023). With so few trials the order is more reliable than the percentages."
        if found.num_trials < 50
        else f"How much each field decides whether a trial is among the best {found.quantile:.0%} "
        f"of n = {found.num_trials} completed trials, as a share of the whole (PED-ANOVA, Watanabe "
        f"et al. 2023)."
    )


parameter_importance = Plot(
    title="Parameter importance",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Bar chart of the importance of each searched field",
    order=3,
    height=2.4,
)
