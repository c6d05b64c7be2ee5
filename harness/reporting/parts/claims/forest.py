"""The effects of all tests on one scale: a row of a forest plot for each, drawn in the page.

The scale is the smallest effect that matters, of each test its own: to the right is what the claim
says, and between -1 and 1 lies what does not matter. It is linear near 0 and logarithmic far away
(asinh), so that an effect of a tenth and one of a hundred both have their place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.reporting import formats
from harness.reporting.statistics.hypotheses import SUPPORTED
from harness.reporting.statistics.verdicts import Verdict

WIDTH, HEIGHT = 260, 20  # CSS pixels of a row
FARTHEST = 30.0
"""The effect at either edge, in smallest effects that matter; what lies beyond is cut there."""

TICKS = (-10.0, -3.0, -1.0, 0.0, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Row:
    """The place of an effect in a row, in CSS pixels.

    x: of the effect. low, high: of the interval's ends. open_low, open_high: whether it goes on
    beyond that edge. band: (left, width) of the effects that do not matter; None for a test that
    has none, as where a threshold is to be exceeded. words: all of it, for who cannot see it.
    """

    x: float
    low: float
    high: float
    open_low: bool
    open_high: bool
    band: tuple[float, float] | None
    words: str


def row(verdict: Verdict) -> Row | None:
    """The row of a test; None for one without an estimate."""
    decision = verdict.decision
    if not math.isfinite(decision.effect):
        return None
    ends = sorted(standardised(value, verdict) for value in (decision.low, decision.high))
    effect = standardised(decision.effect, verdict)
    band = None
    if has_band(verdict):
        band = (place(-1.0), place(1.0) - place(-1.0))
    return Row(
        x=place(effect),
        low=place(ends[0]),
        high=place(ends[1]),
        open_low=ends[0] < -FARTHEST,
        open_high=ends[1] > FARTHEST,
        band=band,
        words=f"{_number(effect)} ({_number(ends[0])} to {_number(ends[1])}) times the smallest "
        "effect that matters, above 0 as the claim says",
    )


def axis() -> list[tuple[float, str]]:
    """(x, text) of the ticks of all rows."""
    return [(place(tick), formats.number(tick).replace("-", "\N{MINUS SIGN}")) for tick in TICKS]


def standardised(value: float, verdict: Verdict) -> float:
    """An effect in smallest effects that matter, above 0 where it is as the claim says.

    Of a threshold that is to be exceeded, or not to be, the distance from it over the threshold.
    """
    hypothesis, smallest = verdict.hypothesis, verdict.test.smallest_effect
    unit = math.log1p(smallest) if hypothesis.scale == "ratio" else smallest
    side = 1.0 if hypothesis.above == SUPPORTED else -1.0
    return side * (value - hypothesis.reference) / (unit or 1.0)


def has_band(verdict: Verdict) -> bool:
    """Whether effects on both sides of 0 may be too small to matter."""
    return verdict.hypothesis.reference == 0.0 and verdict.test.smallest_effect > 0


def place(value: float) -> float:
    """The x of an effect in smallest effects that matter, within the row."""
    cut = min(max(value, -FARTHEST), FARTHEST)
    return round(WIDTH / 2 * (1 + 0.96 * math.asinh(cut) / math.asinh(FARTHEST)), 1)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "no bound"
    return formats.number(float(f"{value:.2g}")).replace("-", "\N{MINUS SIGN}")
