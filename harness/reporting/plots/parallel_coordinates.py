"""Every completed trial as a line through all searched fields to the rank of its score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.core.spec.study_spec import Choices, Range
from harness.reporting import formats
from harness.reporting.drawing.axes import say
from harness.reporting.drawing.fields import FieldAxis, goodness, positions
from harness.reporting.drawing.theme import BEST_COLOR, MUTED_COLOR, rank_palette
from harness.reporting.plots import Plot, rows_as_marks
from harness.reporting.results.tables import StudyResults

MOST_TRIALS = 200  # beyond it, no line can be told from the others
MOST_CHOICES = 6  # beyond it, their names would stand over each other

COLUMNS = ("trial", "axis", "position", "goodness", "best", "low", "high", "name")


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per completed trial and axis: the searched fields, then the rank; columns COLUMNS.

    position: on the axis, from 0 to 1. low, high: what stands at the ends of the axis; of choices,
    all of them, separated by line breaks, in ``low``. Of more than MOST_TRIALS trials, MOST_TRIALS
    at equal distances of rank are kept, the best among them, and the winner.
    """
    space = results.spec.space
    best = results.winner.trial if results.winner else None
    kept = results.trials.assign(goodness=goodness(results)).dropna(subset=["goodness"])
    kept = kept.sort_values("goodness", ascending=False)
    if len(kept) > MOST_TRIALS:
        chosen = np.unique(np.linspace(0, len(kept) - 1, MOST_TRIALS).round().astype(int))
        kept = kept[kept.index.isin(kept.index[chosen]) | (kept["number"] == best)]
    kept = kept.sort_values("number")
    if len(space) < 2 or kept.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    common = {"trial": kept["number"], "goodness": kept["goodness"], "best": kept["number"] == best}
    parts = []
    for index, (name, domain) in enumerate(space.items()):
        axis = FieldAxis.of(name, domain)
        ends = (
            ("\n".join(axis.choices), "")
            if axis.choices
            else (axis.text(axis.low), axis.text(axis.high))
        )
        where = _position(domain, positions(results, name).loc[kept.index])
        parts.append(_axis(common, index, name, where, *ends))
    parts.append(_axis(common, len(space), results.objective, kept["goodness"], "worst", "best"))
    return pd.concat(parts, ignore_index=True)


def _axis(
    common: dict[str, pd.Series], index: int, name: str, position: pd.Series, low: str, high: str
) -> pd.DataFrame:
    shown = {"axis": index, "position": position, "low": low, "high": high, "name": name}
    return pd.DataFrame({**common, **shown})[list(COLUMNS)]


def _position(domain: Choices | Range, values: pd.Series) -> pd.Series:
    if isinstance(domain, Choices):
        last = max(len(domain.values) - 1, 1)
        return values / last
    return values.map(domain.position, na_action="ignore")


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A line per trial in the colour of its rank; the winner's bold and orange."""
    if frame.empty:
        say(ax, "fewer than two searched fields, or no completed trial")
        return
    rest = frame[~frame["best"]]
    if not rest.empty:
        sns.lineplot(
            rest.sort_values(["goodness", "trial", "axis"]),
            x="axis",
            y="position",
            hue="goodness",
            hue_norm=(0, 1),
            palette=rank_palette(),
            units="trial",
            estimator=None,
            linewidth=1.1,
            alpha=0.75,
            legend=False,
            sort=False,
            ax=ax,
        )
    best = frame[frame["best"]].sort_values("axis")
    ax.plot(best["axis"], best["position"], color=BEST_COLOR, linewidth=2.4, zorder=4)
    axes = frame.drop_duplicates("axis").sort_values("axis")
    ax.vlines(axes["axis"], 0, 1, color=MUTED_COLOR, linewidth=0.8, zorder=1)
    for x, low, high in zip(axes["axis"], axes["low"], axes["high"], strict=True):
        _name_values(ax, int(x), str(low), str(high))
    ax.set_xticks(list(axes["axis"]), [name.replace("_", "_\n") for name in axes["name"]])
    ax.set(xlim=(-0.3, len(axes) - 0.55), ylim=(-0.14, 1.14), xlabel="", ylabel="", yticks=[])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(axis="x", length=0)
    ax.grid(False)


def _name_values(ax: Axes, x: int, low: str, high: str) -> None:
    """The ends of a range below and above its axis; the names of choices beside theirs."""
    if high:
        for text, y, va in ((low, -0.02, "top"), (high, 1.02, "bottom")):
            ax.annotate(text, (x, y), ha="center", va=va, fontsize=8, color=MUTED_COLOR)
        return
    choices = low.split("\n")
    for index, choice in enumerate(choices):
        if len(choices) <= MOST_CHOICES or index in (0, len(choices) - 1):
            at = (x, index / max(len(choices) - 1, 1))
            ax.annotate(
                choice,
                at,
                xytext=(-4, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=8,
                color=MUTED_COLOR,
            )


def caption(results: StudyResults) -> str:
    """What a line is, and how many are drawn."""
    frame = summarise(results)
    if frame.empty:
        return "No lines: they take two searched fields and a completed trial."
    shown, done = frame["trial"].nunique(), results.counts["complete"]
    text = (
        f"Each line is a completed trial (n = {shown}), from its value of each field to its rank "
        f"by {results.objective}; the more a line stands out from the paper, the better its rank, "
        f"and the bold one is the winner. Axes of numbers run over the searched range."
    )
    return text + (f" Drawn are trials at equal distances of rank, of {done:,}." * (shown < done))


def finding(frame: pd.DataFrame) -> str:
    """The winner's way through the axes."""
    best = frame[frame["best"]].sort_values("axis")
    if best.empty:
        return "There is no winner"
    parts = []
    for _, row in best.iloc[:-1].iterrows():
        choices, position = str(row["low"]).split("\n"), float(row["position"])
        if np.isnan(position):  # a store may hold a value that its study does not search
            parts.append(f"{row['name']} outside of its choices")
        elif row["high"]:
            parts.append(f"{row['name']} at {position:.0%} of its range")
        else:
            parts.append(f"{row['name']} {choices[round(position * (len(choices) - 1))]}")
    return f"The winner, trial {best['trial'].iloc[0]}, has {formats.listing(parts)}"


parallel_coordinates = Plot(
    title="All fields at once",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Parallel coordinates of the searched fields and the rank in {metric}",
    order=22,
    finding=finding,
    marks=rows_as_marks("axis", "position"),
)
