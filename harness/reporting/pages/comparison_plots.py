"""The plots of a comparison: several studies on the same axes, a colour and a marker for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import (
    legend_above,
    reference_line,
    say,
    set_scale,
    value_scale,
)
from harness.reporting.drawing.fields import spread
from harness.reporting.plots import Plot
from harness.reporting.results.evaluation import perfect_score
from harness.reporting.results.tables import StudyResults

COLORS = ("C0", "C1", "C5", "C4", "C3", "C2")
MARKERS = ("o", "s", "^", "D", "v", "P")


def scores_plot(studies: Sequence[StudyResults]) -> Plot:
    """The scores of all completed trials, a column for each study."""
    return Plot(
        title="Scores",
        summarise=partial(summarise_scores, studies),
        draw=draw_scores,
        caption=partial(scores_caption, studies),
        alt="Strip plot of {metric}, a column for each study",
        order=0,
        finding=scores_finding,
    )


def progress_plot(studies: Sequence[StudyResults]) -> Plot:
    """The best score so far over the training images that a study has spent."""
    return Plot(
        title="The best so far, by what was spent",
        summarise=partial(summarise_progress, studies),
        draw=draw_progress,
        caption=partial(progress_caption, studies),
        alt="Line plot of the best {metric} so far against training images, a line for each study",
        order=1,
        finding=progress_finding,
    )


def summarise_scores(studies: Sequence[StudyResults], results: StudyResults) -> pd.DataFrame:
    """One row per completed trial: study, position of the study, trial, value, metric, perfect."""
    parts = [
        pd.DataFrame(
            {
                "study": one.spec.name,
                "position": position,
                "trial": one.ranked["number"],
                "value": one.ranked.get(one.objective, pd.Series(dtype="float64")),
                "metric": one.objective,
                "perfect": perfect_score(one.evaluation, one.objective),
            }
        )
        for position, one in enumerate(studies)
    ]
    return pd.concat(parts, ignore_index=True)


def draw_scores(frame: pd.DataFrame, ax: Axes) -> None:
    """Points spread sideways, with a line at the median of each study."""
    if frame.empty:
        say(ax, "no trial was completed")
        return
    perfect = float(frame["perfect"].iloc[0])
    shown = [*frame["value"], *([perfect] if np.isfinite(perfect) else [])]
    set_scale(ax, "y", value_scale(shown), (min(shown), max(shown)))
    frame = frame.assign(x=frame["position"] + spread(frame["trial"]))
    for _, rows in frame.groupby("study", sort=False):
        position = int(rows["position"].iloc[0])
        color, marker = COLORS[position], MARKERS[position]
        sns.scatterplot(
            rows, x="x", y="value", color=color, marker=marker, s=36, linewidth=0, alpha=0.8, ax=ax
        )
        ax.hlines(rows["value"].median(), position - 0.3, position + 0.3, color=color, linewidth=2)
    reference_line(ax, perfect, "real images")
    names = frame.drop_duplicates("study")
    number = frame["study"].value_counts()
    labels = [f"{_short(name)}\nn = {number[name]}" for name in names["study"]]
    ax.set_xticks(list(names["position"]), labels)
    ends = names["position"].min() - 0.5, names["position"].max() + 0.5
    ax.set(xlim=ends, xlabel="")
    ax.set_ylabel(frame["metric"].iloc[0])
    ax.grid(False, axis="x")


def scores_caption(studies: Sequence[StudyResults], results: StudyResults) -> str:
    """What is drawn, and how many trials."""
    n = len(summarise_scores(studies, results))
    return (
        f"{results.objective} of each completed trial (n = {n:,}), bars at the medians. A search "
        f"samples good regions more often, so that medians say how it went, not how good a study's "
        f"configurations are."
    )


def scores_finding(frame: pd.DataFrame) -> str:
    """The best, median and number of each study."""
    parts = []
    for name, rows in frame.groupby("study", sort=False):
        low, middle, high = (
            formats.score(v) for v in (rows.value.min(), rows.value.median(), rows.value.max())
        )
        parts.append(f"{name} from {low} over a median of {middle} to {high} (n = {len(rows)})")
    return "; ".join(parts)


def summarise_progress(studies: Sequence[StudyResults], results: StudyResults) -> pd.DataFrame:
    """One row per completed trial, by number: study, position, trial, images (all that its study
    has seen by then, those of unfinished trials too), best (so far), metric, perfect."""
    parts = []
    for position, one in enumerate(studies):
        trials = one.trials.sort_values("number")
        frame = pd.DataFrame({"trial": trials["number"], "images": trials["images_seen"].cumsum()})
        values = trials.get(one.objective, pd.Series(np.nan, index=trials.index))
        values = values.where(trials["outcome"] == "complete")
        best = values.cummin() if one.lower_is_better else values.cummax()
        frame = frame.assign(
            best=best.ffill(), study=one.spec.name, position=position, metric=one.objective
        )
        frame["perfect"] = perfect_score(one.evaluation, one.objective)
        parts.append(frame.dropna(subset=["best"]))
    return pd.concat(parts, ignore_index=True)


def draw_progress(frame: pd.DataFrame, ax: Axes) -> None:
    """A step line for each study, with its marker at the end."""
    if frame.empty:
        say(ax, "no trial was completed")
        return
    perfect = float(frame["perfect"].iloc[0])
    shown = [*frame["best"], *([perfect] if np.isfinite(perfect) else [])]
    set_scale(ax, "y", value_scale(shown), (min(shown), max(shown)))
    set_scale(ax, "x", "linear", (0, frame["images"].max()))
    for name, rows in frame.groupby("study", sort=False):
        position = int(rows["position"].iloc[0])
        sns.lineplot(
            rows,
            x="images",
            y="best",
            drawstyle="steps-post",
            estimator=None,
            color=COLORS[position],
            marker=MARKERS[position],
            markeredgecolor="none",
            label=_short(str(name)),
            ax=ax,
        )
    reference_line(ax, perfect, "real images")
    ax.set(xlabel="training images of all trials so far", ylabel=frame["metric"].iloc[0])
    ax.set_xlim(left=0)
    if legend := ax.get_legend():
        legend.remove()
    legend_above(ax)


def progress_caption(studies: Sequence[StudyResults], results: StudyResults) -> str:
    """What is drawn, and how many trials."""
    n = len(summarise_progress(studies, results))
    return (
        f"The best {results.objective} of the completed trials so far, against the training images "
        f"that all trials of the study had seen by then (n = {n:,} trials): what each search found "
        f"for how much training."
    )


def progress_finding(frame: pd.DataFrame) -> str:
    """Where each study's line ends."""
    ends = frame.groupby("study", sort=False).tail(1)
    parts = [
        f"{row.study} reaches {formats.score(row.best)} after {row.images:,} images"
        for row in ends.itertuples()
    ]
    return "; ".join(parts)


def _short(name: str) -> str:
    """A study's name, cut where it would not fit under a column."""
    return name if len(name) <= 24 else f"{name[:23]}\N{HORIZONTAL ELLIPSIS}"
