"""The objective and the losses over the training images seen, the objective over time as well.

Every trial is a line, the winner's is bold. Beside an objective that is an average stands what it
averages.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from harness.core.schema import FID_LATE
from harness.reporting import formats
from harness.reporting.drawing.axes import reference_line, say, set_scale, value_scale
from harness.reporting.drawing.curves import draw_curves, label_curves
from harness.reporting.plots import Plot, rows_as_marks
from harness.reporting.results.evaluation import perfect_score
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.ranking import loss_correlations

LOSSES = ("g_loss", "d_loss")
MAX_TRIALS = 500  # beyond it, no line can be told from the others
LABELLED = 3
IMAGES, SECONDS = "training images seen", "seconds of training"
COLUMNS = (
    "panel",
    "trial",
    "outcome",
    "images_seen",
    "x",
    "x_name",
    "value",
    "best",
    "label",
    "perfect",
)


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per logged value of the objective, g_loss and d_loss; the columns COLUMNS.

    panel: the metric, the objective first; after fid_late fid itself, which swings; the last one is
    the objective over time. x: the training images seen, or the seconds of training by then, as if
    each trial had trained at one speed. best: whether it belongs to the winner. label: the name of
    the winner and the best of the others, else "". perfect: what real images read, missing for
    losses. Values that are not finite are left out: the trial's outcome shows them. Of more than
    MAX_TRIALS trials, about MAX_TRIALS at equal distances are kept, and those with a label.
    """
    labels = labelled(results)
    swinging = ["fid"] if results.objective == FID_LATE else []
    metrics = list(dict.fromkeys([results.objective, *swinging, *LOSSES]))
    frame = curves(results, metrics)
    frame = frame.assign(x=frame["images_seen"], x_name=IMAGES)
    timed = _over_time(results, frame[frame["panel"] == results.objective])
    frame = pd.concat([frame, timed], ignore_index=True) if not timed.empty else frame
    perfect = {name: perfect_score(results.evaluation, name) for name in metrics}
    perfect[timed_panel(results)] = perfect[results.objective]
    frame = frame.assign(label=[labels.get(number, "") for number in frame["trial"]])
    frame["perfect"] = frame["panel"].map(perfect).astype("float64")
    return frame[list(COLUMNS)]


def timed_panel(results: StudyResults) -> str:
    """The name of the panel over time."""
    return f"{results.objective} over time"


def labelled(results: StudyResults) -> dict[int, str]:
    """The trials whose curves have a name: the winner, then the best of the search."""
    first = [results.winner.trial] if results.winner else []
    numbers = dict.fromkeys([*first, *results.ranked["number"].head(LABELLED)])
    return {int(number): f"trial {number}" for number in list(numbers)[:LABELLED]}


def curves(results: StudyResults, metrics: list[str]) -> pd.DataFrame:
    """The finite values of ``metrics``: panel (the metric), trial, outcome, images_seen, value,
    best. In the order of ``metrics``, by trial and images; of too many trials as for summarise."""
    best = results.winner.trial if results.winner else None
    history = results.history
    history = history[history["metric"].isin(metrics) & np.isfinite(history["value"])]
    logged = history["trial"].drop_duplicates().sort_values()
    step = -(-len(logged) // MAX_TRIALS)
    if step > 1:
        kept = [*logged.iloc[::step], *labelled(results)]
        history = history[history["trial"].isin(kept)]
    outcome = results.trials.drop_duplicates("number").set_index("number")["outcome"]
    frame = pd.DataFrame(
        {
            "panel": history["metric"],
            "trial": history["trial"],
            "outcome": history["trial"].map(outcome),
            "images_seen": history["images_seen"],
            "value": history["value"],
            "best": history["trial"] == best,
        }
    )
    position = frame["panel"].map({name: index for index, name in enumerate(metrics)})
    order = frame.assign(position=position).sort_values(["position", "trial", "images_seen"]).index
    return frame.loc[order].reset_index(drop=True)


def _over_time(results: StudyResults, frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` over seconds, of the trials whose time of training was logged; else no rows."""
    trials = results.trials.drop_duplicates("number").set_index("number")
    if "train_seconds" not in trials:
        return frame.iloc[:0]
    seconds = trials["train_seconds"] / trials["images_seen"].where(trials["images_seen"] > 0)
    x = frame["images_seen"] * frame["trial"].map(seconds)
    timed = frame.assign(x=x, x_name=SECONDS, panel=timed_panel(results))
    return timed[np.isfinite(timed["x"].astype("float64"))]


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A thin line per trial in the colour of its outcome, a bold one for the winner."""
    if frame.empty:
        say(ax, "no values logged")
        return
    values, perfect = frame["value"], float(frame["perfect"].iloc[0])
    shown = values if np.isnan(perfect) else pd.concat([values, pd.Series([perfect])])
    set_scale(ax, "y", value_scale(shown), (shown.min(), shown.max()))
    set_scale(ax, "x", "linear", (0, frame["x"].max()))
    draw_curves(frame, ax)
    reference_line(ax, perfect, "real images")
    ax.set(xlabel=frame["x_name"].iloc[0], ylabel=frame["panel"].iloc[0])
    ax.set_xlim(left=0)
    label_curves(frame, ax)


def caption(results: StudyResults) -> str:
    """What the curves show, and how far the losses agree with the objective in rank."""
    frame = summarise(results)
    if frame.empty:
        return "No values were logged during training."
    shown = [name for name in frame["panel"].drop_duplicates() if name != timed_panel(results)]
    text = (
        f"{formats.listing(shown)} over the training images seen, "
        f"one line per trial (n = {frame['trial'].nunique()}); dots mark where pruned and failed "
        f"trials stopped"
    )
    text += ", the bold line is the winner." if frame["best"].any() else "."
    if timed_panel(results) in set(frame["panel"]):
        text += " Over time: seconds of training, as if each trial had trained at one speed."
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


def finding(frame: pd.DataFrame) -> str:
    """From where to where the winner's curve goes, or the range in which all curves end."""
    best = frame[frame["best"]]
    if not best.empty:
        first, last = best.iloc[0], best.iloc[-1]
        start, end = formats.score(first["value"]), formats.score(last["value"])
        return (
            f"The winner, trial {last['trial']}, goes from {start} at {formats.number(first['x'])} "
            f"to {end} at {formats.number(last['x'])} {last['x_name']}"
        )
    ends = frame.groupby("trial")["value"].last()
    return f"Curves end between {formats.score(ends.min())} and {formats.score(ends.max())}"


learning_curves = Plot(
    title="Learning curves",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Line plot of {panel}, one line per trial",
    order=40,
    finding=finding,
    marks=rows_as_marks("x", "value"),
)
