"""The figures of a calibration: what each score sees of each defect, and from which dose on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from harness.evaluation.calibration.planted import PLANTS

WIDTH, HEIGHT = 220, 120  # CSS pixels of a panel's axes
MARGIN = 24  # about them, for the numbers
NAMED = 3
"""How many scores of a panel are named: those that see most of its doses."""

SHADES = 5


@dataclass(frozen=True)
class Curve:
    """One score over the doses. points: of an SVG polyline. place: 1, 2 or 3 if it is named."""

    score: str
    points: str
    place: int


@dataclass(frozen=True)
class Panel:
    """The dose-response curves of one defect: the AUROC of every score at each of its doses.

    doses: (x, text) of the ticks. levels: (y, text). named: the scores that are, the best first.
    words: what the panel shows, for who cannot see it.
    """

    title: str
    doses: list[tuple[float, str]]
    levels: list[tuple[float, str]]
    curves: list[Curve]
    named: list[str]
    words: str


def shade(auroc: float) -> int:
    """The shade of a cell of the heat map: 0 where nothing is told apart, SHADES where all is.

    Below 0, as far, for a score that calls the spoiled images the better ones.
    """
    return round(SHADES * min(1.0, max(-1.0, 2 * auroc - 1)))


def panels(sensitivity: pd.DataFrame) -> list[Panel]:
    """A panel for every defect of a ``sensitivity`` table, at its smallest sample size.

    At the largest one most scores see all doses of most defects.
    """
    smallest = sensitivity[sensitivity["size"] == sensitivity["size"].min()]
    return [
        _panel(plant, smallest[smallest["plant"] == plant])
        for plant in PLANTS
        if plant in set(smallest["plant"])
    ]


def _panel(plant: str, table: pd.DataFrame) -> Panel:
    wide = table.pivot(index="metric", columns="dose", values="auroc")
    named = wide.mean(axis=1).sort_values(ascending=False, kind="stable").index[:NAMED].tolist()
    order = [score for score in wide.index if score not in named] + named[::-1]  # the best on top
    doses = [float(dose) for dose in wide.columns]
    texts = [PLANTS[plant].words(dose) for dose in doses]
    texts[:-1] = [text.partition(" ")[0] for text in texts[:-1]]  # the last one has the unit
    xs = [round(WIDTH * (k + 0.5) / len(doses), 1) for k in range(len(doses))]
    curves = [
        Curve(
            str(score),
            _points(xs, wide.loc[score].tolist()),
            named.index(score) + 1 if score in named else 0,
        )
        for score in order
    ]
    title = plant.replace("_", " ")
    words = ", ".join(f"{score} {wide.loc[score].mean():.2f}" for score in named)
    return Panel(
        title=title,
        doses=list(zip(xs, texts, strict=True)),
        levels=[(_y(level), f"{level:g}") for level in (0.0, 0.5, 1.0)],
        curves=curves,
        named=[str(score) for score in named],
        words=f"AUROC of every score over the doses of {title}; highest on average: {words}",
    )


def _points(xs: Sequence[float], values: Sequence[float]) -> str:
    return " ".join(f"{x:g},{_y(value):g}" for x, value in zip(xs, values, strict=True))


def _y(auroc: float) -> float:
    return round(HEIGHT * (1 - auroc), 1)
