"""The score against each searched field: one panel per field, every trial in each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.core.spec.study_spec import Choices, Range
from harness.reporting import formats
from harness.reporting.drawing.axes import edge_words, mark_at_edge, say, set_scale, value_scale
from harness.reporting.drawing.theme import BEST_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot
from harness.reporting.results.tables import StudyResults, param_column

COLUMNS = (
    "panel",
    "scale",
    "trial",
    "outcome",
    "choices",
    "position",
    "low",
    "high",
    "value",
    "best",
    "metric",
)


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per searched field and trial; the columns COLUMNS.

    scale: "category", "log" or "linear", from the study's space. choices: all choices of the field
    as texts, none for a range. position: of the trial on the x axis, the value itself or
    the index of its choice. low, high: the ends of that axis. value: the objective (last reported
    where pruned), missing for other outcomes. best: the winner of the search.
    """
    parts = [_panel(results, name, domain) for name, domain in results.spec.space.items()]
    parts = [part for part in parts if not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _panel(results: StudyResults, name: str, domain: Choices | Range) -> pd.DataFrame:
    column = param_column(name)
    trials = results.trials[results.trials[column].notna()]
    best = results.winner.trial if results.winner else None
    scored = trials["outcome"].isin(["complete", "pruned"])
    choices: tuple[str, ...] = ()
    if isinstance(domain, Choices):
        choices = tuple(formats.number(value) for value in domain.values)
        scale, (low, high) = "category", (-0.5, len(domain.values) - 0.5)
        index_of = {value: float(index) for index, value in enumerate(domain.values)}
        position = trials[column].map(lambda value: index_of.get(value, np.nan))
    else:
        scale, low, high = ("log" if domain.log else "linear"), domain.low, domain.high
        position = trials[column]
    return pd.DataFrame(
        {
            "panel": name,
            "scale": scale,
            "trial": trials["number"],
            "outcome": trials["outcome"],
            "choices": [choices] * len(trials),
            "position": position.astype("float64"),
            "low": float(low),
            "high": float(high),
            "value": trials.get(results.objective, np.nan),
            "best": trials["number"] == best,
            "metric": results.objective,
        }
    ).assign(value=lambda frame: frame["value"].where(scored))


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """Completed trials filled, the winner orange, pruned hollow, failed crosses at the edge."""
    if frame.empty:
        say(ax, "no searched field")
        return
    scale = frame["scale"].iloc[0]
    spread = _spread(frame["trial"]) if scale == "category" else 0.0
    frame = frame.assign(x=frame["position"] + spread)
    values = frame["value"].dropna()
    if len(values):
        set_scale(ax, "y", value_scale(values), (values.min(), values.max()))
    else:
        ax.set_yticks([])
    _set_x(frame, ax)
    _draw_points(frame, ax)
    mark_at_edge(ax, frame, "x")
    ax.set(xlabel=frame["panel"].iloc[0], ylabel=frame["metric"].iloc[0])


def _spread(trial: pd.Series) -> pd.Series:
    """Offsets in [-0.22, 0.22] that part trials of one choice: a function of the trial number."""
    return ((trial * 0.6180339887) % 1 - 0.5) * 0.44  # the golden ratio spreads evenly at any n


def _draw_points(frame: pd.DataFrame, ax: Axes) -> None:
    done = frame[frame["outcome"] == "complete"]
    pruned = frame[frame["outcome"] == "pruned"]
    if not pruned.empty:
        edge = OUTCOME_COLOR["pruned"]
        ax.scatter(
            pruned["x"], pruned["value"], facecolor="none", edgecolor=edge, s=26, linewidths=1.1
        )
    if done.empty:
        return
    color = OUTCOME_COLOR["complete"]
    sns.scatterplot(
        done, x="x", y="value", ax=ax, color=color, s=34, linewidth=0, alpha=0.85, legend=False
    )
    best = done[done["best"]]
    ax.scatter(best["x"], best["value"], s=60, color=BEST_COLOR, zorder=4, linewidths=0)
    if frame["scale"].iloc[0] == "category":
        medians = done.groupby("position")["value"].median()
        ax.hlines(medians, medians.index - 0.3, medians.index + 0.3, color=color, linewidth=2.2)


def _set_x(frame: pd.DataFrame, ax: Axes) -> None:
    """The whole searched range with a margin, or one position per choice with its n."""
    scale, low, high = frame[["scale", "low", "high"]].iloc[0]
    if scale != "category":
        set_scale(ax, "x", scale, (low, high))
        if scale == "log":
            margin = (high / low) ** 0.03
            ax.set_xlim(low / margin, high * margin)
        else:
            margin = (high - low) * 0.03
            ax.set_xlim(low - margin, high + margin)
        return
    done = frame[frame["outcome"] == "complete"].groupby("position").size()
    choices = enumerate(frame["choices"].iloc[0])
    labels = [f"{choice}\nn = {done.get(float(index), 0)}" for index, choice in choices]
    ax.set_xticks(range(len(labels)), labels)
    ax.set_xlim(low, high)
    ax.grid(False, axis="x")


def caption(results: StudyResults) -> str:
    """What the panels show, with the numbers of trials."""
    if not results.spec.space:
        return "No field was searched."
    if results.trials.empty:
        return "No trial was run."
    number = results.counts
    text = (
        f"{results.objective} against each searched field, over the whole range that was searched "
        f"(n = {number['complete']} completed, {number['pruned']} pruned trials in every panel). "
        f"Filled: completed; orange: the winner; hollow: pruned, at its last score."
    )
    text += edge_words(number)
    if any(isinstance(domain, Choices) for domain in results.spec.space.values()):
        text += " Bars are medians of the completed trials, n their number."
    return text + (
        " The search samples good regions more often, and fields vary together: a trend in one "
        "panel is a hint, not an effect by itself."
    )


field_effect = Plot(
    title="Each searched field",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Scatter plot of {metric} against {panel}, one point per trial",
    order=2,
)
