"""How well the discriminator tells real from generated images while both networks train."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from harness.reporting import formats
from harness.reporting.drawing.axes import reference_line, say, set_scale
from harness.reporting.drawing.curves import draw_curves, label_curves
from harness.reporting.plots import Plot, rows_as_marks
from harness.reporting.plots.learning_curves import curves, labelled
from harness.reporting.results.tables import StudyResults

ACCURACIES = ("d_real_accuracy", "d_fake_accuracy")
GUESSING = 0.5


def summarise(results: StudyResults) -> pd.DataFrame:
    """One row per logged accuracy of the discriminator, of real and of generated images.

    Columns: panel (the metric), trial, outcome, images_seen, value in [0, 1], best, x, label, as
    for the learning curves.
    """
    frame = curves(results, list(ACCURACIES))
    labels = labelled(results)
    labels_of = [labels.get(number, "") for number in frame["trial"]]
    return frame.assign(x=frame["images_seen"], label=labels_of)


def draw(frame: pd.DataFrame, ax: Axes) -> None:
    """A line per trial, and a dotted one where the discriminator only guesses."""
    if frame.empty:
        say(ax, "no accuracy logged")
        return
    set_scale(ax, "y", "linear", (0, 1))
    set_scale(ax, "x", "linear", (0, frame["x"].max()))
    draw_curves(frame, ax)
    reference_line(ax, GUESSING, "guessing", below=True)
    ax.set(xlabel="training images seen", ylabel=frame["panel"].iloc[0], ylim=(-0.02, 1.02))
    ax.set_xlim(left=0)
    label_curves(frame, ax)


def final(frame: pd.DataFrame) -> pd.Series:
    """trial -> the last accuracy of each, the mean of real and generated images."""
    return frame.groupby(["panel", "trial"])["value"].last().groupby("trial").mean()


def caption(results: StudyResults) -> str:
    """What the curves mean, and where they end."""
    frame = summarise(results)
    if frame.empty:
        return "No accuracy of the discriminator was logged."
    ends = final(frame)
    text = (
        f"Share of the real (d_real_accuracy) and of the generated images (d_fake_accuracy) that "
        f"the discriminator judges rightly (n = {len(ends)} trials): 0.5 is guessing, near 1 the "
        f"generator no longer deceives it. At their ends the mean of both is "
        f"{formats.number(float(ends.median()))} in the median trial"
    )
    low, high = formats.number(float(ends.min())), formats.number(float(ends.max()))
    return f"{text}, from {low} to {high}."


def finding(frame: pd.DataFrame) -> str:
    """Where the accuracies end."""
    ends = frame.groupby("trial")["value"].last()
    low, high = formats.number(float(ends.min())), formats.number(float(ends.max()))
    middle = formats.number(float(ends.median()))
    return f"Trials end between {low} and {high}, the median at {middle}; 0.5 is guessing"


network_balance = Plot(
    title="Balance of the networks",
    summarise=summarise,
    draw=draw,
    caption=caption,
    alt="Line plot of {panel} over the training images seen, one line per trial",
    order=42,
    finding=finding,
    marks=rows_as_marks("x", "value"),
)
