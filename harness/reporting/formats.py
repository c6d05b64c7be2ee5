"""Numbers as text: four significant digits, thousands separators, units of time, plurals."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

MISSING = "\N{EN DASH}"
"""The text of a missing value in a table."""


def number(value: Any, *, pad: bool = False) -> str:
    """``value`` with four significant digits: ``1,235``, ``0.1235``, ``2.1e-4``; text unchanged.

    pad keeps trailing zeros, so that the scores of a column show equal precision. Whole numbers
    stay whole. Missing and not finite values give MISSING.
    """
    if isinstance(value, str | bytes | Mapping | Sequence):
        return str(value)
    if value is None or value is pd.NA or not math.isfinite(value):
        return MISSING
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{float(value):.3e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{float(value):,.{decimals}f}"
    return text if pad or "." not in text else text.rstrip("0").rstrip(".")


def score(value: Any) -> str:
    """A score: as ``number``, trailing zeros kept."""
    return number(value, pad=True)


def scored(name: str, value: Any, num_images: Any) -> str:
    """The ``score`` that the metric ``name`` gave ``num_images`` images.

    Without a repeated image, ``support_size`` is the number of pairs, a bound that the sample sets.
    """
    text = score(value)
    if name != "support_size" or text == MISSING or not isinstance(num_images, int):
        return text
    return f"at least {text}" if value >= math.comb(num_images, 2) else text


def duration(seconds: float) -> str:
    """``seconds`` in the two largest fitting units: ``42 s``, ``3 min 5 s``, ``1 h 12 min``."""
    if not math.isfinite(seconds):
        return MISSING
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def count(n: int, noun: str) -> str:
    """``n`` and its noun, plural unless it is one: ``1 trial``, ``1,200 trials``, ``2 studies``."""
    if n != 1:
        noun = re.sub(r"(?<=[^aeiou])y$", "ie", noun) + "s"
    return f"{n:,} {noun}"


def listing(parts: list[str]) -> str:
    """The parts as an English list: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
