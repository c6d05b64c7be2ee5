"""The plot of one test of a claim: points of two arms, a scatter, a strip, or the importances."""

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
from harness.reporting.results.outcomes import ENDED, outcome_table
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.kinds.within_run import correlations
from harness.reporting.statistics.samples import by_seed, predictor_table, readable


def plot_of(test: ClaimTest) -> Plot:
    """The plot that shows the runs of ``test`` as it compares them."""
    if test.kind == "importance":
        plot: Plot = PLOTS.get("parameter_importance")
        return plot
    summarise, draw, caption, alt = {
        "comparison": (arms_frame, draw_arms, _arms_caption, "Points of {metric} for two arms"),
        "gain": (gain_frame, draw_strip, _gain_caption, "Points of {metric}"),
        "weak_correlation": (scatter_frame, draw_scatter, _scatter_caption, "Scatter plot"),
        "within_run": (within_frame, draw_strip, _within_caption, "Points of rank correlations"),
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


def arms_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run that ended: seed, position (0: ``better``, 1: ``than``), arm, failed, value,
    metric; the value is missing where the run failed."""
    wide = by_seed(results, test)
    parts = [
        pd.DataFrame(
            {
                "seed": wide.index,
                "position": position,
                "arm": getattr(test, side),
                "ended": wide[f"{side}_ended"].to_numpy(),
                "failed": wide[f"{side}_failed"].to_numpy(),
                "value": wide[side].to_numpy(dtype="float64"),
                "metric": test.outcome,
            }
        )
        for position, side in enumerate(("better", "than"))
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[frame["ended"].isin(ENDED)].drop(columns="ended").reset_index(drop=True)


def draw_arms(frame: pd.DataFrame, ax: Axes) -> None:
    """A column of points per arm with a bar at the median; failed runs are crosses at the edge."""
    if frame.empty:
        say(ax, "no run yet")
        return
    _value_axis(frame["value"], ax)
    labels, edge = [], ax.get_xaxis_transform()
    for x, (arm, rows) in enumerate(frame.groupby("arm", sort=False)):
        trained = rows.dropna(subset=["value"])
        labels.append(f"{arm}\nn = {_column(trained['value'], x, ax)}")
        failed = int(rows["failed"].sum())
        aside = x + (np.arange(failed) - (failed - 1) / 2) * 0.06
        y, color = np.full(failed, 0.985), OUTCOME_COLOR["failed"]
        ax.scatter(aside, y, transform=edge, marker="x", color=color, s=26, clip_on=False)
    ax.set_xticks(range(len(labels)), labels)
    ax.set(xlim=(-0.6, len(labels) - 0.4), ylabel=frame["metric"].iloc[0])
    ax.grid(False, axis="x")


def gain_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run with a value: group, value, metric."""
    table = outcome_table(results, test.outcome).dropna(subset=["value"])
    group = table["arm"].fillna("all runs")
    return pd.DataFrame({"group": group, "value": table["value"], "metric": test.outcome})


def strip_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run with both values: group (outcome below the threshold or not), value."""
    table = readable(predictor_table(results, test), results, test)
    table = table.dropna(subset=["value", "predictor"])
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
        labels.append(f"{name}\nn = {_column(rows['value'], x, ax)}")
    ax.set_xticks(range(len(labels)), labels)
    ax.set(xlim=(-0.6, len(labels) - 0.4), ylabel=frame["metric"].iloc[0])
    ax.grid(False, axis="x")


def within_frame(test: ClaimTest, results: StudyResults) -> pd.DataFrame:
    """One row per run of the test's arm: group, value (the correlation within the run), metric."""
    table = correlations(test, results).dropna(subset=["value"])
    metric = f"rank correlation of {test.predictor} and {test.outcome}"
    return pd.DataFrame({"group": table["arm"], "value": table["value"], "metric": metric})


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


def _column(values: pd.Series, x: float, ax: Axes) -> int:
    """Points spread sideways about ``x``, with a bar at their median; how many there are."""
    if values.empty:
        return 0
    aside = (np.arange(len(values)) * 0.6180339887 % 1 - 0.5) * 0.4
    color = OUTCOME_COLOR["complete"]
    ax.scatter(x + aside, values, color=color, s=26, linewidths=0, alpha=0.8)
    ax.hlines(values.median(), x - 0.3, x + 0.3, color=color, linewidth=2.2)
    return len(values)


def _value_axis(values: pd.Series, ax: Axes) -> None:
    values = values.dropna()
    if values.empty:
        ax.set_yticks([])
        return
    set_scale(ax, "y", value_scale(values), (values.min(), values.max()))
    if values.min() < 0 < values.max():
        ax.axhline(0.0, color=MUTED_COLOR, linewidth=0.8)


def _arms_caption(test: ClaimTest, results: StudyResults) -> str:
    frame = arms_frame(test, results)
    failed = int(frame["failed"].sum())
    words = f"A point per run (n = {frame['seed'].nunique()} seeds); bars are medians."
    return words + (f" Crosses at the upper edge: {failed} failed." if failed else "")


def _gain_caption(test: ClaimTest, results: StudyResults) -> str:
    return f"A point per run (n = {len(gain_frame(test, results))}); bars are medians."


def _scatter_caption(test: ClaimTest, results: StudyResults) -> str:
    return f"A point per completed run (n = {len(scatter_frame(test, results))})."


def _within_caption(test: ClaimTest, results: StudyResults) -> str:
    runs = len(within_frame(test, results))
    return f"A point per run (n = {runs}), over its reports; the bar is the median."


def _strip_caption(test: ClaimTest, results: StudyResults) -> str:
    return f"A point per completed run (n = {len(strip_frame(test, results))}); bars are medians."
