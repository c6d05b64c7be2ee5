"""From a study's space or arms to Optuna's distributions, and from parameters to a TrialConfig."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from harness.core.config import BOUNDS, FIELD_TYPES, TrialConfig
from harness.core.spec.arms import MAX_ARMS
from harness.core.spec.study_spec import Choices, Range, StudySpec

ARM = "arm"
"""Optuna's parameter for the index of a trial's arm among the study's arms, from 0."""

_ARM_DISTRIBUTIONS: dict[str, BaseDistribution] = {
    # Indices, not names: Optuna refuses a categorical parameter to which a choice is added.
    ARM: IntDistribution(0, MAX_ARMS - 1),
    "seed": IntDistribution(0, int(BOUNDS["seed"][1])),
}


def distributions(spec: StudySpec) -> dict[str, BaseDistribution]:
    """Parameter -> Optuna distribution: the searched fields, or ``arm`` and ``seed``."""
    if spec.arms:
        return dict(_ARM_DISTRIBUTIONS)
    return {name: _distribution(name, domain) for name, domain in spec.space.items()}


def config_of(spec: StudySpec, params: Mapping[str, Any]) -> TrialConfig:
    """The trial's configuration: the study's base with the searched ``params`` or the arm set."""
    if spec.arms:
        fields = spec.arms.fields[arm_name(spec, params)]
        return TrialConfig.from_dict({**spec.base, **fields, "seed": params["seed"]})
    return TrialConfig.from_dict({**spec.base, **params})


def arm_name(spec: StudySpec, params: Mapping[str, Any]) -> str:
    """The name of the arm with the index in ``params``."""
    assert spec.arms is not None
    return spec.arms.names[int(params[ARM])]


def arm_params(spec: StudySpec) -> list[dict[str, Any]]:
    """The parameters of every trial of a study of arms: all arms with a seed before the next.

    Arms that have fewer seeds leave out the later ones.
    """
    assert spec.arms is not None
    first = spec.base_config().seed
    return [
        {ARM: index, "seed": first + offset}
        for offset in range(spec.arms.num_seeds)
        for index, arm in enumerate(spec.arms.names)
        if offset < spec.arms.seeds_of(arm)
    ]


def space_size(spec: StudySpec) -> int | None:
    """The number of different configurations in the space; None if there are infinitely many."""
    if spec.arms:
        return spec.arms.num_trials
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
