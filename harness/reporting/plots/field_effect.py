"""The score against each searched field: one panel per field, every trial, means with intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.core.spec.study_spec import Choices, Range
from harness.reporting import formats
from harness.reporting.drawing.axes import edge_words, mark_at_edge, say, set_scale, value_scale
from harness.reporting.drawing.fields import FieldAxis, positions, set_field_axis, spread
from harness.reporting.drawing.theme import BEST_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.estimates import Mean

LEVEL = 0.05
FEWEST = 3
"""The fewest completed trials of a group that its mean has an interval from."""

MANY = 50
"""Beyond so many trials the bootstrap of a mean costs memory and changes nothing that is seen."""

GROUP_SIZE, MOST_GROUPS = 4, 4
"""A range is cut into groups of equally many completed trials: so many at least in each."""

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
    "group",
)


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per searched field and trial; the columns COLUMNS.

    scale: "category", "log" or "linear", from the study's space. choices: all choices of the field
    as texts, none for a range. position: of the trial on the x axis, the value itself or
    the index of its choice. low, high: the ends of that axis. value: the objective (last reported
    where pruned), missing for other outcomes. best: the winner of the search. group: the position
    of the group that a completed trial belongs to, of a range the median of its positions.
    """
    parts = [_panel(results, name, domain) for name, domain in results.spec.space.items()]
    parts = [part for part in parts if not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _panel(results: StudyResults, name: str, domain: Choices | Range) -> pd.DataFrame:
    trials, axis = results.trials, FieldAxis.of(name, domain)
    best = results.winner.trial if results.winner else None
    scored = trials["outcome"].isin(["complete", "pruned"])
    frame = pd.DataFrame(
        {
            "panel": name,
            "scale": axis.scale,
            "trial": trials["number"],
            "outcome": trials["outcome"],
            "choices": [axis.choices] * len(trials),
            "position": positions(results, name),
            "low": axis.low,
            "high": axis.high,
            "value": trials.get(results.objective, pd.Series(np.nan, trials.index)).where(scored),
            "best": trials["number"] == best,
            "metric": results.objective,
        }
    )
    frame = frame[frame["position"].notna()]
    return frame.assign(group=_groups(frame, axis))


def _groups(frame: pd.DataFrame, axis: FieldAxis) -> pd.Series:
    """Where the group of each completed trial stands; NaN for the others."""
    done = frame[(frame["outcome"] == "complete") & frame["value"].notna()]
    if axis.scale == "category":
        return done["position"].reindex(frame.index)
    number = min(MOST_GROUPS, len(done) // GROUP_SIZE)
    if number < 2:
        return pd.Series(np.nan, frame.index)
    order = done["position"].rank(method="first")
    group = ((order - 1) * number // len(done)).astype("int64")
    return done.groupby(group)["position"].transform("median").reindex(frame.index)


def centre(values: npt.ArrayLike) -> float:
    """The geometric mean of scores that are all above 0, else their mean."""
    array = np.asarray(values, dtype="float64")
    return float(np.exp(np.log(array).mean()) if (array > 0).all() else array.mean())


def interval(values: npt.ArrayLike) -> tuple[float, float]:
    """The 95 % interval of ``centre``; the value itself, twice, for fewer than FEWEST or equal."""
    array = np.asarray(values, dtype="float64")
    if len(array) < FEWEST or np.ptp(array) == 0:
        return centre(array), centre(array)
    if not (array > 0).all():
        return _interval_of_mean(array)
    low, high = np.exp(np.clip(_interval_of_mean(np.log(array)), -50.0, 50.0))
    return float(low), float(high)


def _interval_of_mean(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """That of ``Mean``; of more than MANY values Student's t alone, with which it then agrees."""
    found = Mean(values)
    if len(values) <= MANY:
        return found.interval(LEVEL)
    reach = found.reach(len(values), LEVEL / 2)
    return found.effect - reach, found.effect + reach


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """Completed trials filled, the winner orange, pruned hollow, failed crosses at the edge."""
    if frame.empty:
        say(ax, "no searched field")
        return
    scale, low, high, choices = frame[["scale", "low", "high", "choices"]].iloc[0]
    axis = FieldAxis(frame["panel"].iloc[0], scale, low, high, choices)
    frame = _placed(frame)
    values = frame["value"].dropna()
    if len(values):
        set_scale(ax, "y", value_scale(values), (values.min(), values.max()))
    else:
        ax.set_yticks([])
    _draw_points(frame, ax)
    limits = ax.get_ylim()
    _draw_means(frame, scale, ax)
    ax.set_ylim(limits)  # an interval may leave the figure; the points decide what is shown
    done = frame[frame["outcome"] == "complete"].groupby("position").size()
    labels = [f"{c}\nn = {done.get(float(index), 0)}" for index, c in enumerate(choices)]
    set_field_axis(ax, "x", axis, labels)
    mark_at_edge(ax, frame, "x")
    ax.set(xlabel=frame["panel"].iloc[0], ylabel=frame["metric"].iloc[0])


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with ``x``, where each point stands: those of one choice beside each other."""
    aside = spread(frame["trial"]) if frame["scale"].iloc[0] == "category" else 0.0
    return frame.assign(x=frame["position"] + aside)


def _marks(frame: pd.DataFrame) -> pd.DataFrame:
    return _placed(frame)[["trial", "x", "value"]].rename(columns={"value": "y"})


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
        done, x="x", y="value", ax=ax, color=color, s=34, linewidth=0, alpha=0.7, legend=False
    )
    best = done[done["best"]]
    ax.scatter(best["x"], best["value"], s=60, color=BEST_COLOR, zorder=4, linewidths=0)


def _draw_means(frame: pd.DataFrame, scale: str, ax: Axes) -> None:
    """The mean of each group with its interval: bars for choices, a band along a range."""
    grouped = frame.dropna(subset=["group", "value"])
    if grouped.empty:
        return
    axis = ax.yaxis.get_transform()

    def on_axis(scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.asarray(axis.transform(np.asarray(scores, dtype="float64")))

    def scores_at(places: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.asarray(axis.inverted().transform(np.asarray(places, dtype="float64")))

    # seaborn estimates from where values lie on their axis: from logarithms on a logarithmic one.
    shared = {
        "x": "group",
        "y": "value",
        "estimator": lambda places: float(on_axis([centre(scores_at(places))])[0]),
        "errorbar": lambda places: tuple(on_axis(interval(scores_at(places)))),
        "ax": ax,
    }
    color = OUTCOME_COLOR["complete"]
    if scale == "category":
        sns.pointplot(
            grouped,
            **shared,
            native_scale=True,
            linestyle="none",
            marker="_",
            markersize=22,
            markeredgewidth=2.4,
            color=color,
            err_kws={"linewidth": 1.4},
        )
    else:
        sns.lineplot(grouped, **shared, color=color, linewidth=1.6, err_kws={"alpha": 0.15})


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
    return text + (
        f" Bars and bands: mean of the completed trials (of the logarithm, where all scores are "
        f"above 0) with its 95 % interval, from {FEWEST} trials of a choice, or groups of "
        f"{GROUP_SIZE} or more trials along a range. The search samples good regions more often, "
        f"and fields vary together: a trend in one panel is a hint, not an effect by itself."
    )


def finding(frame: pd.DataFrame) -> str:
    """Where the mean score is lowest and highest."""
    grouped = frame.dropna(subset=["group", "value"])
    if grouped.empty:
        return "Too few trials completed for a mean"
    scale, low, high, choices = frame[["scale", "low", "high", "choices"]].iloc[0]
    axis = FieldAxis("", scale, low, high, choices)
    groups = [
        (float(rows["group"].iloc[0]), list(rows["value"])) for _, rows in grouped.groupby("group")
    ]
    groups.sort(key=lambda group: centre(group[1]))
    parts = [
        f"{formats.score(centre(values))} at {axis.text(at)} (n = {len(values)})"
        for at, values in ([groups[0], groups[-1]] if len(groups) > 1 else groups)
    ]
    return f"Mean {frame['metric'].iloc[0]} from {' to '.join(parts)}"


field_effect = Plot(
    title="Each searched field",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Scatter plot of {metric} against {panel}, one point per trial",
    order=20,
    finding=finding,
    marks=_marks,
)
