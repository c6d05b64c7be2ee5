"""Every trial's score in the order in which the search tried it, and the best one so far."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import (
    edge_words,
    legend_above,
    mark_at_edge,
    reference_line,
    say,
    set_scale,
    value_scale,
    whole_numbers,
)
from harness.reporting.drawing.theme import BEST_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot, rows_as_marks
from harness.reporting.results.evaluation import perfect_score
from harness.reporting.results.tables import StudyResults


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per trial: trial, outcome, value, best_so_far, metric, untrained, perfect.

    value: the objective (last reported where pruned), missing for other outcomes. best_so_far:
    the best value of the completed trials up to this one, missing before the first. untrained:
    the objective of an untrained generator, the same in every row, missing if not recorded;
    perfect: that of real images in place of generated ones.
    """
    trials = results.trials
    scored = trials["outcome"].isin(["complete", "pruned"])
    values = trials.get(results.objective, pd.Series(np.nan, index=trials.index)).where(scored)
    completed = values.where(trials["outcome"] == "complete")
    best = completed.cummin() if results.lower_is_better else completed.cummax()
    return pd.DataFrame(
        {
            "trial": trials["number"],
            "outcome": trials["outcome"],
            "value": values,
            "best_so_far": best.ffill(),
            "metric": results.objective,
            "untrained": results.untrained.get(results.objective, np.nan),
            "perfect": perfect_score(results.evaluation, results.objective),
        }
    )


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """Completed trials filled, pruned hollow, failed as crosses at the edge; the best as a line."""
    if frame.empty:
        say(ax, "no trial yet")
        return
    shown = frame[["value", "untrained", "perfect"]].to_numpy().ravel()
    shown = shown[np.isfinite(shown)]
    if shown.size:
        set_scale(ax, "y", value_scale(shown), (shown.min(), shown.max()))
    else:
        ax.set_yticks([])
    reference_line(ax, frame["untrained"].iloc[0], "untrained generator", below=True)
    reference_line(ax, frame["perfect"].iloc[0], "real images")
    _draw_best(frame, ax)
    _draw_trials(frame, ax)
    mark_at_edge(ax, frame, "trial")
    ax.set(xlabel="trial", ylabel=frame["metric"].iloc[0])
    ax.set_xlim(frame["trial"].min() - 0.6, frame["trial"].max() + 0.6)
    whole_numbers(ax.xaxis)
    legend_above(ax)


def _draw_best(frame: pd.DataFrame, ax: Axes) -> None:
    line = frame.dropna(subset="best_so_far")
    if not line.empty:
        x, y = line["trial"], line["best_so_far"]
        ax.step(x, y, where="post", color=BEST_COLOR, linewidth=1.6, label="best so far", zorder=2)


def _draw_trials(frame: pd.DataFrame, ax: Axes) -> None:
    done = frame[frame["outcome"] == "complete"]
    if not done.empty:
        label = f"completed ({len(done)})"
        color = OUTCOME_COLOR["complete"]
        sns.scatterplot(
            done, x="trial", y="value", ax=ax, color=color, s=38, linewidth=0, label=label, zorder=3
        )
    pruned = frame[frame["outcome"] == "pruned"]
    if not pruned.empty:
        ax.scatter(
            pruned["trial"],
            pruned["value"],
            facecolor="none",
            edgecolor=OUTCOME_COLOR["pruned"],
            s=30,
            linewidths=1.2,
            label=f"pruned ({len(pruned)})",
        )


def caption(results: StudyResults) -> str:
    """What the plot shows, with the numbers of trials and when the best one came."""
    if results.trials.empty:
        return "No trial was run."
    number = results.counts
    text = (
        f"{results.objective} of each trial, in the order in which the search chose them "
        f"(n = {number['complete']} completed, {number['pruned']} pruned). Pruned trials are "
        f"hollow, at the score at which they were stopped; the line is the best completed trial "
        f"so far."
    )
    text += edge_words(number)
    ranked = results.ranked
    if not ranked.empty:
        text += f" The search's best score came with trial {ranked['number'].iloc[0]}."
    return text


def finding(frame: pd.DataFrame) -> str:
    """The best score, when it came, and what an untrained generator and real images score."""
    done = frame[frame["outcome"] == "complete"].dropna(subset=["best_so_far"])
    if done.empty:
        return "No trial was completed"
    best = done["best_so_far"].iloc[-1]
    first = done[done["value"] == best].iloc[0]
    text = f"The best completed trial is trial {first['trial']}, with {formats.score(best)}"
    for name, words in (("untrained", "an untrained generator"), ("perfect", "real images")):
        if np.isfinite(first[name]):
            text += f"; {words}: {formats.score(first[name])}"
    return text


optimisation_history = Plot(
    title="Optimisation history",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Scatter plot of {metric} against the trial number, with the best value so far as a line",
    order=10,
    finding=finding,
    marks=rows_as_marks("trial", "value"),
)
