"""The part of a study's page about its winners on fresh seeds: a table and a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import legend_above, say, set_scale, value_scale
from harness.reporting.drawing.theme import BEST_COLOR, OUTCOME_COLOR
from harness.reporting.parts.tables import Table
from harness.reporting.plots import Plot
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.confirmation import Confirmed

WORDS = (
    "The best configurations of the search, trained again with seeds that the search did not use. "
    "Means are over the completed runs; brackets are 95 % intervals, not corrected for their "
    "number. Best with: the share of resamples of the seeds, the same for all configurations, in "
    "which its mean is the best; with few seeds this share is too close to 0 or 1. Too good by: "
    "how much better the score in the search was than the mean of the fresh runs."
)


def confirmation_table(found: Sequence[Confirmed], metric: str) -> Table:
    """One row per configuration, the confirmed best first."""
    rows = [
        [
            str(rank),
            str(one.trial),
            formats.score(one.searched),
            _bracketed(one.mean, one.low, one.high),
            f"{one.num_seeds}",
            f"{one.failed}",
            formats.MISSING if math.isnan(one.probability_best) else f"{one.probability_best:.0%}",
            _bracketed(one.too_good, one.too_good_low, one.too_good_high),
        ]
        for rank, one in enumerate(found, 1)
    ]
    columns = ["rank", "trial", "in the search", f"mean {metric}", "seeds", "failed"]
    return Table([*columns, "best with", "too good by"], rows, [True] * 8, marked=0)


def confirmation_plot(found: Sequence[Confirmed]) -> Plot:
    """The plot of the confirmed configurations, the best first."""
    return Plot(
        title="Confirmed on fresh seeds",
        summarise=partial(summarise, found),
        draw=draw,
        caption=partial(caption, found),
        alt="Points of {metric} of each confirmed configuration, beside its score in the search",
        order=0,
        height=3.0,
    )


def summarise(found: Sequence[Confirmed], results: StudyResults) -> pd.DataFrame:
    """One row per completed fresh run of the confirmed configurations, the best of them first.

    Columns: trial; position of the configuration, 0 is the confirmed best; value; metric; and
    those of its configuration: searched, mean, low, high.
    """
    if results.confirmation is None or not found:
        return pd.DataFrame(columns=["trial", "position", "value", "metric"])
    arms = pd.DataFrame([one.__dict__ for one in found]).assign(position=range(len(found)))
    runs = outcome_table(results.confirmation, results.objective).dropna(subset=["value"])
    frame = runs[["arm", "seed", "value"]].merge(arms, on="arm").assign(metric=results.objective)
    return frame.sort_values(["position", "seed"]).reset_index(drop=True)


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """Fresh runs as points, their mean with its interval, and the search's score beside them."""
    if frame.empty:
        say(ax, "nothing confirmed yet")
        return
    values = pd.concat([frame["value"], frame["searched"]])
    set_scale(ax, "y", value_scale(values), (values.min(), values.max()))
    color = OUTCOME_COLOR["complete"]
    ax.scatter(
        frame["position"], frame["value"], color=color, s=26, linewidths=0, label="fresh seeds"
    )
    arms = frame.drop_duplicates("position")
    x = arms["position"] + 0.16
    error = [arms["mean"] - arms["low"], arms["high"] - arms["mean"]]
    ax.errorbar(x, arms["mean"], yerr=error, fmt="D", color=color, ms=5, label="mean, interval")
    ax.scatter(
        arms["position"] - 0.16,
        arms["searched"],
        facecolor="none",
        edgecolor=BEST_COLOR,
        s=40,
        linewidths=1.5,
        label="in the search",
    )
    ax.set_xticks(list(arms["position"]), [f"trial {trial}" for trial in arms["trial"]])
    ax.set(xlim=(-0.5, len(arms) - 0.5), ylabel=frame["metric"].iloc[0])
    ax.grid(False, axis="x")
    legend_above(ax)


def caption(found: Sequence[Confirmed], results: StudyResults) -> str:
    """What is drawn, and how many runs."""
    return (
        f"The score of the search (ring) and those of the fresh runs, with their mean and its "
        f"95 % interval (n = {len(summarise(found, results))} runs)."
    )


def _bracketed(value: float, low: float, high: float) -> str:
    """The value with its interval, where it has one."""
    text = _signed(value)
    return text if math.isnan(low) else f"{text} ({_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    return formats.score(value).replace("-", "\N{MINUS SIGN}")
