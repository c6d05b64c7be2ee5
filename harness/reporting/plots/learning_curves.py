"""The objective and the two losses over the training images seen: every trial, the winner bold.

Beside an objective that is an average stands what it averages.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from harness.core.schema import FID_LATE
from harness.reporting import formats
from harness.reporting.drawing.axes import say, set_scale, value_scale
from harness.reporting.drawing.theme import BEST_COLOR, OUTCOME_COLOR
from harness.reporting.plots import Plot
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.ranking import loss_correlations

LOSSES = ("g_loss", "d_loss")
MANY_TRIALS = 60  # beyond it, lines are fainter, so that the bundle shows its density
MAX_TRIALS = 500  # beyond it, no line can be told from the others
COLUMNS = ("panel", "trial", "outcome", "images_seen", "value", "best")


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per logged value of the objective, g_loss and d_loss; the columns COLUMNS.

    panel: the metric, the objective first; after fid_late fid itself, which swings. best: whether
    it belongs to the winner. Values that are not finite are left out: the trial's outcome shows
    them. Of more than MAX_TRIALS trials, about MAX_TRIALS at equal distances are kept, and the
    winner.
    """
    best = results.winner.trial if results.winner else None
    swinging = ["fid"] if results.objective == FID_LATE else []
    metrics = list(dict.fromkeys([results.objective, *swinging, *LOSSES]))
    history = results.history
    history = history[history["metric"].isin(metrics) & np.isfinite(history["value"])]
    logged = history["trial"].drop_duplicates().sort_values()
    step = -(-len(logged) // MAX_TRIALS)
    if step > 1:
        history = history[history["trial"].isin([*logged.iloc[::step], best])]
    outcome = results.trials.drop_duplicates("number").set_index("number")["outcome"]
    frame = pd.DataFrame(
        {
            "panel": history["metric"],
            "trial": history["trial"],
            "outcome": history["trial"].map(outcome),
            "images_seen": history["images_seen"],
            "value": history["value"],
            "best": history["trial"] == best,
        },
        columns=list(COLUMNS),
    )
    position = frame["panel"].map({name: index for index, name in enumerate(metrics)})
    order = frame.assign(position=position).sort_values(["position", "trial", "images_seen"]).index
    return frame.loc[order].reset_index(drop=True)


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A thin line per trial in the colour of its outcome, a bold one for the winner."""
    if frame.empty:
        say(ax, "no values logged")
        return
    values = frame["value"]
    set_scale(ax, "y", value_scale(values), (values.min(), values.max()))
    set_scale(ax, "x", "linear", (0, frame["images_seen"].max()))
    rest = frame[~frame["best"]]
    if not rest.empty:
        sns.lineplot(
            rest,
            x="images_seen",
            y="value",
            hue="outcome",
            palette=OUTCOME_COLOR,
            units="trial",
            estimator=None,
            linewidth=0.9,
            alpha=0.5 if rest["trial"].nunique() < MANY_TRIALS else 0.25,
            legend=False,
            ax=ax,
        )
    _mark_ends(rest, ax)
    best = frame[frame["best"]]
    ax.plot(best["images_seen"], best["value"], color=BEST_COLOR, linewidth=2.2, zorder=4)
    ax.set(xlabel="training images seen", ylabel=frame["panel"].iloc[0])
    ax.set_xlim(left=0)


def _mark_ends(rest: pd.DataFrame, ax: Axes) -> None:
    """A dot where a pruned or failed trial stopped."""
    ends = rest[rest["outcome"] != "complete"].groupby("trial").tail(1)
    for outcome, rows in ends.groupby("outcome"):
        color = OUTCOME_COLOR[str(outcome)]
        ax.scatter(rows["images_seen"], rows["value"], color=color, s=10, linewidths=0, zorder=3)


def caption(results: StudyResults) -> str:
    """What the curves show, and how far the losses agree with the objective in rank."""
    frame = summarise(results)
    if frame.empty:
        return "No values were logged during training."
    text = (
        f"{formats.listing(list(frame['panel'].drop_duplicates()))} over the training images seen, "
        f"one line per trial (n = {frame['trial'].nunique()}); dots mark where pruned and failed "
        f"trials stopped"
    )
    text += ", the bold line is the winner." if frame["best"].any() else "."
    if frame["trial"].nunique() < results.history["trial"].nunique() > MAX_TRIALS:
        text += f" Drawn are trials at equal distances, of {results.history['trial'].nunique():,}."
    found = loss_correlations(results)
    if found:
        parts = [
            f"{rho:+.2f} for {loss}".replace("-", "\N{MINUS SIGN}")
            for loss, (rho, _) in found.items()
        ]
        n = min(n for _, n in found.values())
        text += (
            f" Spearman's rank correlation of the final loss with {results.objective}, over "
            f"n = {n} completed trials: {formats.listing(parts)}."
        )
    return text


learning_curves = Plot(
    title="Learning curves",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Line plot of {panel} against the training images seen, one line per trial",
    order=4,
)
