"""Where the marks of each trial lie in a drawn figure, so that a page can point at them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

MOST_MARKS = 2_000
"""The most marks of one picture; of more, none are told, as they would fill the page."""


def marks(figure: Figure, frame: pd.DataFrame, width: int) -> str:
    """The marks of a figure that was drawn ``width`` CSS pixels wide, as text.

    ``7 12,40 30,22|8 14,35``: for each trial its marks in the order of ``frame``, x and y in CSS
    pixels from the upper left corner. frame: trial, x and y of each mark, as on the axes; what lies
    beyond them is left out. "" where there are none, or more than MOST_MARKS.
    """
    places = frame.dropna()
    if places.empty or len(places) > MOST_MARKS:
        return ""
    ax, scale = figure.axes[0], width / figure.bbox.width
    points = ax.transData.transform(np.column_stack([_numbers(places["x"]), _numbers(places["y"])]))
    low, high = np.array(ax.bbox.min) - 1, np.array(ax.bbox.max) + 1
    inside = ((points >= low) & (points <= high)).all(axis=1)
    across = np.round(points[:, 0] * scale).astype(int)
    down = np.round((figure.bbox.height - points[:, 1]) * scale).astype(int)
    found: dict[int, list[str]] = {}
    trials = places["trial"].to_numpy()[inside]
    for trial, x, y in zip(trials, across[inside], down[inside], strict=True):
        found.setdefault(int(trial), []).append(f"{x},{y}")
    parts = (f"{trial} {' '.join(dict.fromkeys(found[trial]))}" for trial in sorted(found))
    return "|".join(parts)


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    """The values as the axis has them: texts stand side by side in their order of appearance."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype="float64")
    return pd.factorize(values)[0].astype(np.float64)
