"""Whether two declarations are the same study: what may change in a growing study, what may not."""

from __future__ import annotations

from typing import Any

from harness.core.spec.study_spec import StudySpec

_FIXED_TABLES = ("base", "space", "search", "evaluation", "tune")


def difference(before: StudySpec, now: StudySpec) -> str:
    """The first difference that makes ``now`` another study than ``before``; "" if there is none.

    Name, wording, claim, confirmation and the number of trials may change. Arms keep their position
    and their fields, but for the one that is tuned; arms and seeds may be added.
    """
    old, new = before.to_dict(), now.to_dict()
    return _changed_setting(_settings(old), _settings(new)) or _changed_arm(_arms(old), _arms(new))


def _arms(values: dict[str, Any]) -> dict[str, Any]:
    """Arm -> the fields that it sets, without the one that its tuning chooses a value of."""
    tuned = values["tune"].get("field")
    return {
        arm: {name: value for name, value in fields.items() if name != tuned}
        for arm, fields in values["arms"].items()
    }


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    """``[table] key`` -> value, for everything that must not change."""
    flat = {
        f"[{table}] {key}": value for table in _FIXED_TABLES for key, value in values[table].items()
    }
    flat.pop("[search] num_trials")
    return flat


def _changed_setting(before: dict[str, Any], now: dict[str, Any]) -> str:
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            return f"{key}: {before.get(key)!r}, now {now.get(key)!r}"
    return ""


def _changed_arm(before: dict[str, Any], now: dict[str, Any]) -> str:
    for (name, fields), (name_now, fields_now) in zip(before.items(), now.items(), strict=False):
        if (name, fields) != (name_now, fields_now):
            return f"[arms] {name}: {fields!r}, now {name_now}: {fields_now!r}"
    if len(now) < len(before):
        return f"[arms]: {len(before)} arms, now {len(now)}"
    return ""
