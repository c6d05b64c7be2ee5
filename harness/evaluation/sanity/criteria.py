"""The criteria of Räisä et al. 2025, arXiv 2505.22450: what a curve of a score has to look like.

Each takes a curve of goodness, 1 for a generator without error and 0 for the worst one, and returns
"" if the curve passes, else why it does not. Limits are those of the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CLOSE = 0.05
"""How far from its target a value may be, and how much a level curve may vary."""

SLACK, DROP = 0.1, 0.2
"""How far ends may be from the extremes of a curve, and how much a curve must fall or rise."""

MID_DROP = 0.1


@dataclass(frozen=True)
class Curve:
    """Goodness ``y`` at the values ``x`` of what a check varies, ascending, equally many."""

    x: Sequence[float]
    y: Sequence[float]

    def at(self, x: float) -> float:
        """The value at the point nearest to ``x``; the first or the last one for infinities."""
        if math.isinf(x):
            return self.y[-1 if x > 0 else 0]
        return self.y[min(range(len(self.x)), key=lambda index: abs(self.x[index] - x))]


Criterion = Callable[[Curve], str]


def near(x: float, target: float) -> Criterion:
    """The value at ``x`` is ``target`` or close to it."""

    def check(curve: Curve) -> str:
        value = curve.at(x)
        return "" if abs(value - target) <= CLOSE else f"{value:.2f}, not {target:g}"

    return check


def near_either(x: float) -> Criterion:
    """The value at ``x`` is close to 1 or close to 0: both are a consistent answer."""
    return either(near(x, 1.0), near(x, 0.0))


def bell(middle: float) -> Criterion:
    """High at ``middle``, lower at both ends."""

    def check(curve: Curve) -> str:
        top, ends = curve.at(middle), (curve.y[0], curve.y[-1])
        if top - max(ends) < DROP:
            return f"{top:.2f} in the middle, {max(ends):.2f} at an end"
        if max(curve.y) - top > SLACK:
            return f"{max(curve.y):.2f} beside the middle, which reads {top:.2f}"
        low = min(ends) - min(curve.y) <= SLACK
        return "" if low else f"{min(curve.y):.2f} before the ends, {min(ends):.2f} there"

    return check


def falling(curve: Curve) -> str:
    """High at the first point, low at the last one."""
    first, last = curve.y[0], curve.y[-1]
    if first - last < DROP:
        return f"from {first:.2f} to {last:.2f}"
    if max(curve.y) - first > SLACK:
        return f"{max(curve.y):.2f} on the way, {first:.2f} at the start"
    return "" if last - min(curve.y) <= SLACK else f"{min(curve.y):.2f} on the way, {last:.2f} then"


def rising(curve: Curve) -> str:
    """Low at the first point, high at the last one."""
    return falling(Curve(curve.x, list(reversed(curve.y))))


def falling_by(share: float) -> Criterion:
    """Falling, and lower already after ``share`` of the points."""

    def check(curve: Curve) -> str:
        middle = curve.y[round(share * (len(curve.y) - 1))]
        if fault := falling(curve):
            return fault
        seen = curve.y[0] - middle >= MID_DROP
        return "" if seen else f"from {curve.y[0]:.2f} to {middle:.2f} after most of it"

    return check


def level(curve: Curve) -> str:
    """The same at all points."""
    low, high = min(curve.y), max(curve.y)
    return "" if high - low <= CLOSE else f"{low:.2f} to {high:.2f}"


def settling(curve: Curve) -> str:
    """The same at the later half of the points."""
    return level(Curve(curve.x, curve.y[len(curve.y) // 2 :]))


def either(*criteria: Criterion) -> Criterion:
    """At least one of ``criteria``; the first one's fault else."""

    def check(curve: Curve) -> str:
        faults = [criterion(curve) for criterion in criteria]
        return "" if "" in faults else faults[0]

    return check
