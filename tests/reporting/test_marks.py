"""Where a page is told that the marks of a trial lie."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.drawing.marks import MOST_MARKS, marks


def told(frame: pd.DataFrame) -> str:
    """The marks of axes from 0 to 10 that fill a figure of 4 by 2 inches, 400 pixels wide."""
    figure = Figure(figsize=(4, 2))
    figure.add_axes((0, 0, 1, 1)).set(xlim=(0, 10), ylim=(0, 10))
    return marks(figure, frame, 400)


def test_a_mark_is_told_in_pixels_from_the_upper_left_corner() -> None:
    frame = pd.DataFrame({"trial": [7, 3, 7], "x": [0.0, 5.0, 10.0], "y": [10.0, 5.0, 2.5]})
    assert told(frame) == "3 200,100|7 0,0 400,150"


def test_what_is_not_drawn_is_not_told() -> None:
    frame = pd.DataFrame({"trial": [1, 2, 3], "x": [1.0, float("nan"), 11.0], "y": [9.0, 1.0, 1.0]})
    assert told(frame) == "1 40,20"
    assert told(frame.iloc[:0]) == ""
    many = pd.DataFrame({"trial": range(MOST_MARKS + 1), "x": 1.0, "y": 1.0})
    assert told(many) == ""


def test_texts_stand_in_their_order_of_appearance() -> None:
    frame = pd.DataFrame({"trial": [0, 0], "x": [1.0, 1.0], "y": ["fid", "kid"]})
    assert told(frame) == "0 40,200 40,180"
