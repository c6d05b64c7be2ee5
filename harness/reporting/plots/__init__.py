"""The plots of the report, one file each, found by scanning this folder.

A plot file ``<name>.py`` holds a ``Plot`` of the same name: ``summarise`` makes a small tidy frame
of the results (pure, tested by value), ``draw`` puts such a frame on matplotlib axes. A plot sets
no rcParams and names colours by role (``harness.reporting.drawing.theme``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from harness.reporting.results.tables import StudyResults


def nothing_found(frame: pd.DataFrame) -> str:
    """No finding: what a plot without one says of its frame."""
    return ""


def rows_as_marks(x: str, y: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The ``marks`` of a plot of which each row is a mark, at its columns ``x`` and ``y``."""
    return lambda frame: pd.DataFrame({"trial": frame["trial"], "x": frame[x], "y": frame[y]})


def height_by_rows(column: str, each: float) -> Callable[[pd.DataFrame], float]:
    """The ``height`` of a plot with a row of ``each`` inches for every value of ``column``."""
    return lambda frame: AROUND_ROWS + each * frame[column].nunique()


AROUND_ROWS = 0.9
"""Inches that the horizontal axis and the space above the rows take."""


@dataclass(frozen=True)
class Plot:
    """A registered plot.

    summarise: results -> frame with everything that is drawn; a column ``panel`` splits it into
    one pair of axes per value, in order of appearance. draw: frame (of one panel) -> axes.
    caption: what is shown and what it says, in words, with the number of trials. alt: a
    phrase for readers who cannot see the plot; ``{panel}`` and ``{metric}`` are filled in.
    finding: frame (of one panel) -> what it shows, in a sentence with numbers, for these readers.
    order: position on the page. height: in inches, where the plot has one panel, or a function
    that gives it for the frame. marks: frame (of one panel) -> trial, x and y of each mark as on
    the axes, so that the page can point at one trial in all plots; None where a mark is no trial's.
    """

    title: str
    summarise: Callable[[StudyResults], pd.DataFrame]
    draw: Callable[[pd.DataFrame, Axes], None]
    caption: Callable[[StudyResults], str]
    alt: str
    order: int
    height: float | Callable[[pd.DataFrame], float] = 3.4
    finding: Callable[[pd.DataFrame], str] = nothing_found
    marks: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    def height_of(self, frame: pd.DataFrame) -> float:
        """The inches of a plot of this ``frame`` that has one panel."""
        return self.height(frame) if callable(self.height) else self.height


def split_panels(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The frame of each panel by name; one panel without a name where there is no such column."""
    if "panel" not in frame:
        return {"": frame}
    names = frame["panel"].drop_duplicates()
    return {str(name): frame[frame["panel"] == name].reset_index(drop=True) for name in names}
