"""A searched field as an axis: its scale and ends, and where each trial stands on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from harness.core.spec.study_spec import Choices, Range
from harness.reporting import formats
from harness.reporting.drawing.axes import set_scale
from harness.reporting.results.tables import StudyResults, param_column


@dataclass(frozen=True)
class FieldAxis:
    """A searched field. scale: "category", "log" or "linear", from the study's space.

    choices: all of the field as texts, none for a range; a choice stands at its index. low, high:
    the ends of the axis.
    """

    name: str
    scale: str
    low: float
    high: float
    choices: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, domain: Choices | Range) -> FieldAxis:
        """The axis of a field with this domain."""
        if isinstance(domain, Choices):
            choices = tuple(formats.number(value) for value in domain.values)
            return cls(name, "category", -0.5, len(choices) - 0.5, choices)
        return cls(name, "log" if domain.log else "linear", float(domain.low), float(domain.high))

    def text(self, position: float) -> str:
        """The value at a position: a choice by its name, a number as text."""
        return self.choices[round(position)] if self.choices else formats.number(position)


def positions(results: StudyResults, name: str) -> pd.Series:
    """Where each trial stands: the value of the field, or the index of its choice; NaN for none."""
    values, domain = results.trials[param_column(name)], results.spec.space[name]
    if isinstance(domain, Choices):
        index_of = {value: float(index) for index, value in enumerate(domain.values)}
        values = values.map(lambda value: index_of.get(value, np.nan))
    return values.astype("float64")


def goodness(results: StudyResults) -> pd.Series:
    """The rank of each trial's score among the completed ones, from 0 (worst) to 1 (best).

    Ties share their mean rank; 1 for a single trial; NaN for trials that did not complete.
    """
    done = results.trials["outcome"] == "complete"
    if results.objective not in results.trials:
        return pd.Series(np.nan, index=results.trials.index)
    ranks = results.trials[results.objective].where(done)
    ranks = ranks.rank(ascending=not results.lower_is_better)
    number = ranks.count()
    return (ranks - 1) / (number - 1) if number > 1 else ranks


def spread(trial: pd.Series, width: float = 0.44) -> pd.Series:
    """Offsets of ``width`` in all that part trials of one choice: a function of the number."""
    return ((trial * 0.6180339887) % 1 - 0.5) * width  # the golden ratio spreads evenly at any n


def set_field_axis(ax: Axes, which: str, axis: FieldAxis, labels: list[str] | None = None) -> None:
    """The whole searched range with a margin, or one position per choice with its label."""
    limits = ax.set_xlim if which == "x" else ax.set_ylim
    if axis.scale == "category":
        ticks = ax.set_xticks if which == "x" else ax.set_yticks
        ticks(range(len(axis.choices)), labels or list(axis.choices))
        limits(axis.low, axis.high)
        ax.grid(False, axis="x" if which == "x" else "y")
        return
    set_scale(ax, which, axis.scale, (axis.low, axis.high))
    if axis.scale == "log":
        margin = (axis.high / axis.low) ** 0.03
        limits(axis.low / margin, axis.high * margin)
    else:
        margin = (axis.high - axis.low) * 0.03
        limits(axis.low - margin, axis.high + margin)
