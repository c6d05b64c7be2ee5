"""The domain of a searched field, as a study file declares it, with its validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.config import FIELD_TYPES, TrialConfig, check_field, check_keys
from harness.core.errors import InputError, shown


@dataclass(frozen=True)
class Choices:
    """A searched field that takes one of a list of values."""

    values: tuple[str | int | float, ...]

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a study file."""
        return {"choices": list(self.values)}


@dataclass(frozen=True)
class Range:
    """A searched field that takes a number between ``low`` and ``high``, both included."""

    low: float
    high: float
    log: bool = False

    def position(self, value: float) -> float:
        """Where ``value`` lies in the range: 0 at its low and 1 at its high end."""
        if self.log and value <= 0.0:
            return -math.inf
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a study file."""
        return {"low": self.low, "high": self.high, "log": self.log}


Domain = Choices | Range


def parse_domain(name: str, declared: object) -> Domain:
    """The domain of the field ``name`` from its declaration; InputError if a value does not fit."""
    check_field(name)
    if not isinstance(declared, Mapping):
        raise InputError(f"{name} takes {{ choices = [...] }} or {{ low = ..., high = ... }}")
    return _choices(name, declared) if "choices" in declared else _range(name, declared)


def extent(domain: Domain | None, fixed: float) -> tuple[float, float]:
    """The smallest and the largest number of ``domain``; ``fixed`` twice if there is none."""
    if domain is None:
        return fixed, fixed
    if isinstance(domain, Range):
        return domain.low, domain.high
    numbers = [float(value) for value in domain.values]
    return min(numbers), max(numbers)


def _choices(name: str, declared: Mapping[str, Any]) -> Choices:
    check_keys(declared, ("choices",), f"the space of {name}")
    values = declared["choices"]
    if not isinstance(values, list) or not values:
        raise InputError(f"{name}: choices is a list of at least one value, got {shown(values)}")
    checked = tuple(_value(name, value) for value in values)
    if len(set(checked)) < len(checked):
        raise InputError(f"{name}: a choice is repeated in {shown(values)}")
    return Choices(checked)


def _range(name: str, declared: Mapping[str, Any]) -> Range:
    check_keys(declared, ("low", "high", "log"), f"the space of {name}")
    if FIELD_TYPES[name] == "str":
        raise InputError(f"{name} takes {{ choices = [...] }}, not a range")
    for end in ("low", "high"):
        if end not in declared:
            raise InputError(f"{name}: a range needs low and high")
    low, high = _value(name, declared["low"]), _value(name, declared["high"])
    log = declared.get("log", False)
    if not isinstance(log, bool):
        raise InputError(f"{name}: log is true or false, got {shown(log)}")
    if not low < high:
        raise InputError(f"{name}: low {low:g} must be below high {high:g}")
    if log and low <= 0:
        raise InputError(f"{name}: a logarithmic range needs low above 0, got {low:g}")
    return Range(low, high, log)


def _value(name: str, value: object) -> Any:
    """``value`` as the type of field ``name``; InputError if the field does not allow it."""
    # With the smallest batch every budget is allowed, with one of 840 every packing; what belongs
    # together is checked by StudySpec.
    batch_size = {"images": 2, "packing": 840}
    others = {"batch_size": batch_size[name]} if name in batch_size else {}
    return getattr(TrialConfig.from_dict({**others, name: value}), name)
