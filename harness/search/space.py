"""From a study's declared space to Optuna's distributions, and from parameters to a TrialConfig."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from harness.core.config import FIELD_TYPES, TrialConfig
from harness.core.study_file import Choices, Range, StudySpec


def distributions(spec: StudySpec) -> dict[str, BaseDistribution]:
    """Searched field -> Optuna distribution, in the order of the study file."""
    return {name: _distribution(name, domain) for name, domain in spec.space.items()}


def config_of(spec: StudySpec, params: Mapping[str, Any]) -> TrialConfig:
    """The trial's configuration: the study's base with the searched ``params`` set."""
    return TrialConfig.from_dict({**spec.base, **params})


def suggest(trial: optuna.Trial, space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The values of all searched fields for ``trial``."""
    return {name: _suggest(trial, name, distribution) for name, distribution in space.items()}


def space_size(spec: StudySpec) -> int | None:
    """How many different configurations the space holds; None if there is no end of them."""
    sizes = []
    for name, domain in spec.space.items():
        if isinstance(domain, Choices):
            sizes.append(len(domain.values))
        elif FIELD_TYPES[name] == "int":
            sizes.append(int(domain.high) - int(domain.low) + 1)
        else:
            return None
    return math.prod(sizes)


def _distribution(name: str, domain: Choices | Range) -> BaseDistribution:
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.values)
    if FIELD_TYPES[name] == "int":
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


def _suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
    assert isinstance(distribution, FloatDistribution)
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
