"""The check of evaluation.json: what a study recorded of its dataset, classifier and scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.core.errors import shown
from harness.core.schema import EVALUATION_FILE

_NUMBERS = ("low", "high", "target", "perfect", "null_level", "alarm_level")
_TEXTS = ("direction", "unit", "summary", "source")


def checked_evaluation(values: Mapping[str, Any], gaps: list[str]) -> dict[str, Any]:
    """``values`` without the records of scores that are malformed, which are named in ``gaps``.

    A record says of one score: direction, unit, summary and source as text; low, high, target,
    perfect, null_level and alarm_level as numbers. Each may be missing or null.
    """
    if "metrics" not in values:
        return dict(values)
    records = values["metrics"]
    if not isinstance(records, Mapping):
        gaps.append(f"{EVALUATION_FILE} (metrics is {shown(records)})")
        return {name: value for name, value in values.items() if name != "metrics"}
    sound = {}
    for name, record in records.items():
        fault = _fault(record)
        if fault:
            gaps.append(f"{EVALUATION_FILE} (metrics.{name}{fault})")
        else:
            sound[name] = record
    return {**values, "metrics": sound}


def perfect_score(evaluation: Mapping[str, Any], name: str) -> float:
    """What real images read in place of generated ones, in the unit of the score; NaN if unknown.

    ``evaluation`` as ``checked_evaluation`` gives it.
    """
    value = _record(evaluation, name).get("perfect")
    return math.nan if value is None else float(value)


def score_direction(evaluation: Mapping[str, Any], name: str) -> str:
    """``minimize`` or ``maximize``, as the score's record says; "" if unknown."""
    return _record(evaluation, name).get("direction") or ""


def _record(evaluation: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    records = evaluation.get("metrics")
    record = records.get(name) if isinstance(records, Mapping) else None
    return record if isinstance(record, Mapping) else {}


def _fault(record: object) -> str:
    """What is wrong with the record of one score; "" if nothing is."""
    if not isinstance(record, Mapping):
        return f" is {shown(record)}"
    for keys, kind in ((_NUMBERS, int | float), (_TEXTS, str)):
        for key in keys:
            value = record.get(key)
            if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
                return f".{key} is {shown(value)}"
    return ""
