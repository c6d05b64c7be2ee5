"""A JSON object of a store, as far as a page can show it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from harness.reporting.results.stored_runs import LARGEST

MOST_JSON_BYTES = 1_000_000
MOST_LEVELS = 20


class NotRead(Exception):
    """An artifact that is not read; its text says why, for "NAME (...)"."""


def parse_object(content: bytes) -> dict[str, Any]:
    """The JSON object in ``content``, which a page can show; NotRead with the reason otherwise.

    Allowed are at most MOST_LEVELS levels, finite numbers up to LARGEST and text in Unicode.
    """
    if len(content) > MOST_JSON_BYTES:
        raise NotRead(f"not read: larger than {MOST_JSON_BYTES:,} bytes")
    try:
        values = json.loads(content, parse_constant=_no_number, parse_int=_whole)
    except (ValueError, RecursionError):
        raise NotRead("not JSON") from None
    if not isinstance(values, dict):
        raise NotRead("not a JSON object")
    _check(values, MOST_LEVELS)
    return values


def finite(values: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among the ``values``."""
    numbers = {name: float(v) for name, v in values.items() if isinstance(v, int | float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")


def _whole(text: str) -> int:
    if len(text) > len(str(int(LARGEST))):
        raise ValueError("too many digits")
    return int(text)


def _check(value: object, levels: int) -> None:
    """Raise NotRead for what a page cannot show."""
    if levels == 0:
        raise NotRead(f"not read: nested in more than {MOST_LEVELS} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, levels)
            _check(item, levels - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, levels - 1)
    elif isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise NotRead("not read: holds text that is not Unicode")
    elif isinstance(value, int | float) and not abs(value) <= LARGEST:
        raise NotRead("not read: holds a number that is out of range")
