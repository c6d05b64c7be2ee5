"""The plot of one test of a claim: paired points, a scatter, a strip, or the importances."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from harness.core.registry import PLOTS
from harness.core.spec.claims import ClaimTest
from harness.reporting import formats
from harness.reporting.drawing.axes import say, set_scale, value_scale
from harness.reporting.drawing.theme import MUTED_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.hypotheses import pairs, predictor_table


def plot_of(test: ClaimTest) -> Plot:
    """The plot that shows the runs of ``test`` as it compares them."""
    if test.kind == "importance":
        plot: Plot = PLOTS.get("parameter_importance")
        return plot
    summarise, draw, caption, alt = {
        "paired": (paired_frame, draw_pairs, _paired_caption, "Paired points of {metric}"),
        "gain": (gain_frame, draw_strip, _gain_caption, "Points of {metric}"),
        "weak_correlation": (scatter_frame, draw_scatter, _scatter_caption, "Scatter plot"),
        "separation": (strip_frame, draw_strip, _strip_caption, "Strip plot"),
    }[test.kind]
    return Plot(
        title=test.text or test.outcome,
        summarise=partial(summarise, test),
        draw=draw,
        caption=partial(caption, test),
        alt=f"{alt}: {test.text}".replace("{metric}", test.outcome).replace("{", "{{"),
        order=0,
    )


def paired_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run: seed, position (0: ``better``, 1: ``than``), arm, ended, value, metric."""
    wide = pairs(results, test)
    parts = [
        pd.DataFrame(
            {
                "seed": wide.index,
                "position": position,
                "arm": getattr(test, side),
                "ended": wide[f"{side}_ended"].to_numpy(),
                "value": wide[side].to_numpy(dtype="float64"),
                "metric": test.outcome,
            }
        )
        for position, side in enumerate(("better", "than"))
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[frame["ended"].isin(["complete", "failed"])].reset_index(drop=True)


def draw_pairs(frame: pd.DataFrame, ax: Axes) -> None:
    """A line per seed between the arms; failed runs are crosses at the upper edge."""
    if frame.empty:
        say(ax, "no run yet")
        return
    _value_axis(frame["value"], ax)
    color = OUTCOME_COLOR["complete"]
    for _, rows in frame.dropna(subset=["value"]).groupby("seed"):
        ax.plot(
            rows["position"],
            rows["value"],
            color=color,
            marker="o",
            ms=4.5,
            lw=1.0,
            alpha=0.75,
            mew=0,
        )
    failed = frame[frame["ended"] == "failed"]
    if not failed.empty:
        color, edge = OUTCOME_COLOR["failed"], ax.get_xaxis_transform()
        spread = (failed.groupby("position").cumcount() - 1) * 0.06
        x, y = failed["position"] + spread, np.full(len(failed), 0.985)
        ax.scatter(x, y, transform=edge, marker="x", color=color, s=26, clip_on=False)
    arms = frame.drop_duplicates("position").set_index("position")["arm"]
    done = frame[frame["value"].notna()].groupby("position").size()
    labels = [f"{arm}\nn = {done.get(position, 0)}" for position, arm in arms.items()]
    ax.set_xticks(list(arms.index), labels)
    ax.set(xlim=(-0.4, 1.4), ylabel=frame["metric"].iloc[0])
    ax.grid(False, axis="x")


def gain_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run with a value: group, value, metric."""
    table = outcome_table(results, test.outcome).dropna(subset=["value"])
    group = table["arm"].fillna("all runs")
    return pd.DataFrame({"group": group, "value": table["value"], "metric": test.outcome})


def strip_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run with both values: group (outcome below the threshold or not), value."""
    table = predictor_table(results, test).dropna(subset=["value", "predictor"])
    limit = formats.number(test.threshold)
    below = table["value"] < test.threshold
    words = {True: f"{test.outcome}\nbelow {limit}", False: f"{test.outcome}\n{limit} or more"}
    frame = pd.DataFrame({"group": below.map(words), "value": table["predictor"]})
    return frame.assign(metric=test.predictor).sort_values("group", kind="stable")


def draw_strip(frame: pd.DataFrame, ax: Axes) -> None:
    """A column of points per group, spread sideways, with a bar at the median."""
    if frame.empty:
        say(ax, "no run yet")
        return
    _value_axis(frame["value"], ax)
    labels = []
    for x, (name, rows) in enumerate(frame.groupby("group", sort=False)):
        aside = (np.arange(len(rows)) * 0.6180339887 % 1 - 0.5) * 0.4
        color = OUTCOME_COLOR["complete"]
        ax.scatter(x + aside, rows["value"], color=color, s=26, linewidths=0, alpha=0.8)
        ax.hlines(rows["value"].median(), x - 0.3, x + 0.3, color=color, linewidth=2.2)
        labels.append(f"{name}\nn = {len(rows)}")
    ax.set_xticks(range(len(labels)), labels)
    ax.set(xlim=(-0.6, len(labels) - 0.4), ylabel=frame["metric"].iloc[0])
    ax.grid(False, axis="x")


def scatter_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run with both values: predictor, value and their names."""
    table = predictor_table(results, test).dropna(subset=["value", "predictor"])
    frame = table[["predictor", "value"]].reset_index(drop=True)
    return frame.assign(predictor_name=test.predictor, metric=test.outcome)


def draw_scatter(frame: pd.DataFrame, ax: Axes) -> None:
    """A point per run."""
    if frame.empty:
        say(ax, "no run yet")
        return
    _value_axis(frame["value"], ax)
    values = frame["predictor"]
    set_scale(ax, "x", value_scale(values), (values.min(), values.max()))
    ax.scatter(values, frame["value"], color=OUTCOME_COLOR["complete"], s=26, linewidths=0)
    ax.set(xlabel=frame["predictor_name"].iloc[0], ylabel=frame["metric"].iloc[0])


def _value_axis(values: pd.Series, ax: Axes) -> None:
    values = values.dropna()
    if values.empty:
        ax.set_yticks([])
        return
    set_scale(ax, "y", value_scale(values), (values.min(), values.max()))
    if values.min() < 0 < values.max():
        ax.axhline(0.0, color=MUTED_COLOR, linewidth=0.8)


def _paired_caption(test: ClaimTest, results: StudyResults) -> str:
    frame = paired_frame(test, results)
    failed = int(frame["ended"].eq("failed").sum())
    words = f"A line joins the runs of one seed (n = {frame['seed'].nunique()} seeds)."
    return words + (f" Crosses at the upper edge: {failed} failed." if failed else "")


def _gain_caption(test: ClaimTest, results: StudyResults) -> str:
    return f"A point per run (n = {len(gain_frame(test, results))}); bars are medians."


def _scatter_caption(test: ClaimTest, results: StudyResults) -> str:
    return f"A point per completed run (n = {len(scatter_frame(test, results))})."


def _strip_caption(test: ClaimTest, results: StudyResults) -> str:
    return f"A point per completed run (n = {len(strip_frame(test, results))}); bars are medians."
