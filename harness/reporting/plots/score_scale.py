"""Every score on one scale: 0 is an untrained generator, 1 is real images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from harness.reporting import formats
from harness.reporting.drawing.axes import say
from harness.reporting.drawing.theme import BEST_COLOR, MUTED_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot, height_by_rows, rows_as_marks
from harness.reporting.results.evaluation import perfect_score, score_direction
from harness.reporting.results.tables import StudyResults

LEAST, MOST = -0.25, 1.25  # of the axis; what lies beyond is drawn at its end
MOST_TRIALS = 200
COLUMNS = ("score", "trial", "value", "untrained", "real", "position", "best")


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per score and completed trial; the columns COLUMNS.

    Scores of which an untrained generator's value is known and worse than that of real images.
    position: the share of the way from the one to the other, which may be below 0 or above 1. Of
    more than MOST_TRIALS trials the first ones in the ranking are kept, at equal distances.
    """
    done, best = results.ranked, results.winner.trial if results.winner else None
    step = -(-len(done) // MOST_TRIALS)
    done = done[(np.arange(len(done)) % step == 0) | (done["number"] == best)] if step > 1 else done
    parts = []
    for name in results.metrics:
        untrained = results.untrained.get(name, np.nan)
        real = perfect_score(results.evaluation, name)
        if not _is_way(untrained, real, score_direction(results.evaluation, name)):
            continue
        rows = done.dropna(subset=[name])
        part = pd.DataFrame({"trial": rows["number"], "value": rows[name]})
        part = part.assign(score=name, untrained=untrained, real=real, best=part["trial"] == best)
        parts.append(part.assign(position=(part["value"] - untrained) / (real - untrained)))
    parts = [part for part in parts if not part.empty]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _is_way(untrained: float, real: float, direction: str) -> bool:
    """Whether a score gets better from the untrained level to the real one; unknown counts as so.

    Where it does not, as for copies of training images, a share of the way says nothing.
    """
    if not np.isfinite([untrained, real]).all() or np.isclose(untrained, real):
        return False
    return {"minimize": real < untrained, "maximize": real > untrained}.get(direction, True)


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A row of points per score, the winner larger; lines at the untrained and the real level."""
    if frame.empty:
        say(ax, "no score of an untrained generator and of real images")
        return
    shown = frame.assign(position=frame["position"].clip(LEAST, MOST))
    for x, words in ((0.0, "untrained"), (1.0, "real images")):
        ax.axvline(x, color=MUTED_COLOR, linestyle=(0, (1, 2)), linewidth=1.2, zorder=1)
        ax.annotate(
            words,
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=MUTED_COLOR,
        )
    names = list(frame["score"].drop_duplicates())
    color = OUTCOME_COLOR["complete"]
    sns.stripplot(
        shown,
        x="position",
        y="score",
        order=names,
        color=color,
        size=4,
        alpha=0.45,
        jitter=False,
        ax=ax,
    )
    best = shown[shown["best"]]
    rows = best["score"].map({name: index for index, name in enumerate(names)})
    ax.scatter(best["position"], rows, color=BEST_COLOR, s=52, zorder=4, label="winner")
    ax.xaxis.set_major_locator(MultipleLocator(0.25))
    ax.set(xlim=(LEAST - 0.03, MOST + 0.03), xlabel="share of the way to real images", ylabel="")
    ax.tick_params(axis="y", length=0)


def caption(results: StudyResults) -> str:
    """What 0 and 1 are, and how the winner does."""
    frame = summarise(results)
    if frame.empty:
        return "What an untrained generator or real images score was not recorded."
    n = frame["trial"].nunique()
    text = (
        f"Every score of the completed trials (n = {n}) as the share of the way from an untrained "
        f"generator (0) to real images in place of generated ones (1), where these read better; "
        f"orange is the winner. A score beyond either end is drawn at the edge. Shares of "
        f"different scores do not compare in size: the way is not equally steep."
    )
    return text


def finding(frame: pd.DataFrame) -> str:
    """The winner's share of the way, score by score."""
    best = frame[frame["best"]]
    if best.empty:
        return "There is no winner"
    shares = best.set_index("score")["position"].round(2)
    parts = [f"{name} {formats.number(share)}" for name, share in shares.items()]
    return f"The winner, trial {best['trial'].iloc[0]}: {', '.join(parts)}"


score_scale = Plot(
    title="From untrained to real",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Strip plot of every score between an untrained generator and real images",
    order=36,
    height=height_by_rows("score", 0.27),
    finding=finding,
    marks=rows_as_marks("position", "score"),
)
