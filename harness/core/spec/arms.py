"""Arms: configurations that are compared on the same seeds; how an arm is tuned before them; the
confirmation of a search."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.config import (
    BOUNDS,
    FIELD_TYPES,
    SHARED,
    TrialConfig,
    check_field,
    check_keys,
    check_whole,
)
from harness.core.errors import InputError, escape_control_characters, shown, within
from harness.core.spec.names import derived_name

MAX_ARMS = 100
MAX_SEEDS = 1_000
MAX_FACTORS = 9
_ARM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+ -]{0,59}")


@dataclass(frozen=True)
class Arms:
    """Configurations by name, each trained once with every one of its seeds.

    fields: arm -> the TrialConfig fields that it sets over the study's base, in the order of the
    study file. seeds: how many each arm has, one number for all or arm -> number, where 0 is for an
    arm that is not trained. The i-th seed, from 0, is the base's seed plus i for every arm. Raises
    InputError without arms, for invalid names or fields, and for two equal arms.
    """

    fields: Mapping[str, Mapping[str, Any]]
    seeds: int | Mapping[str, int] = 1

    def __post_init__(self) -> None:
        """Validate names, fields and the numbers of seeds."""
        self._check_seeds()
        if not 1 <= len(self.fields) <= MAX_ARMS:
            raise InputError(f"[arms] holds {len(self.fields)} arms; allowed: 1 to {MAX_ARMS}")
        for name, changes in self.fields.items():
            if not _ARM_NAME.fullmatch(name):
                raise InputError(
                    f"[arms]: name {shown(name)}; allowed: 1 to 60 letters, digits, spaces and "
                    "._=+-, beginning with a letter or digit"
                )
            for field in changes:
                check_field(field)
                if field in ("seed", *SHARED):
                    raise InputError(f"[arms.{name}]: an arm does not set {field}: all share it")

    @property
    def names(self) -> tuple[str, ...]:
        """The arms in the order of the study file."""
        return tuple(self.fields)

    @property
    def varied(self) -> tuple[str, ...]:
        """The fields that some arm sets, in order of appearance."""
        return tuple(dict.fromkeys(field for changes in self.fields.values() for field in changes))

    @property
    def num_seeds(self) -> int:
        """The number of seeds of the arm that has most."""
        return max(map(self.seeds_of, self.fields))

    @property
    def num_trials(self) -> int:
        """Number of trials: one per arm and seed."""
        return sum(map(self.seeds_of, self.fields))

    def seeds_of(self, arm: str) -> int:
        """The number of seeds of ``arm``."""
        return self.seeds if isinstance(self.seeds, int) else self.seeds[arm]

    def configs(self, base: TrialConfig) -> dict[str, TrialConfig]:
        """The configuration of each arm over ``base``; InputError if two are the same."""
        made: dict[str, TrialConfig] = {}
        for name, changes in self.fields.items():
            with within(f"[arms.{name}]"):
                made[name] = base.replace(**changes)
            for other, config in made.items():
                if other != name and config == made[name]:
                    raise InputError(f"[arms]: {other!r} and {name!r} are the same configuration")
        if base.seed + self.num_seeds - 1 > BOUNDS["seed"][1]:
            raise InputError(f"seed {base.seed:,} leaves no room for {self.num_seeds:,} seeds")
        return made

    def without(self, fields: Mapping[str, Any]) -> Arms:
        """The arms without these ``fields``, which then take the base's values."""
        kept = {
            name: {key: value for key, value in changes.items() if key not in fields}
            for name, changes in self.fields.items()
        }
        return Arms(kept, self.seeds)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The table ``[arms]`` as it stands in a study file."""
        return {name: dict(changes) for name, changes in self.fields.items()}

    def _check_seeds(self) -> None:
        if not isinstance(self.seeds, Mapping):
            check_whole("seeds", self.seeds, 1, MAX_SEEDS)
            return
        if set(self.seeds) != set(self.fields):
            named = ", ".join(map(shown, self.seeds))
            raise InputError(f"seeds is a number for each arm; it names {named or 'none'}")
        for arm, number in self.seeds.items():
            check_whole(f"seeds: {arm}", number, 0, MAX_SEEDS)
        if not any(self.seeds.values()):
            raise InputError("seeds is 0 for every arm: there is nothing to train")


@dataclass(frozen=True)
class Tuning:
    """``[tune]``: the small search that every arm gets before its seeds count.

    Each arm is trained with its own value of ``field`` times each of the ``factors``, on ``seeds``
    seeds that no verdict uses: the first is the base's seed plus MAX_SEEDS. Raises InputError for a
    field that is no real number, and for factors and counts out of range.
    """

    field: str = "learning_rate"
    factors: tuple[float, ...] = (0.333, 1.0, 3.0)
    seeds: int = 2

    def __post_init__(self) -> None:
        """Validate field, factors and seeds."""
        with within("[tune]"):
            if FIELD_TYPES[check_field(self.field)] != "float":
                raise InputError(f"field is {self.field}; allowed: a field of real numbers")
            factors = self.factors
            if not isinstance(factors, tuple) or not 2 <= len(factors) <= MAX_FACTORS:
                raise InputError(f"factors takes a list of 2 to {MAX_FACTORS} numbers above 0")
            for factor in factors:
                if not _is_positive(factor):
                    raise InputError(f"factors takes numbers above 0, got {shown(factor)}")
            if list(factors) != sorted(set(factors)):
                raise InputError("factors are to ascend, each one above the one before it")
            check_whole("seeds", self.seeds, 1, MAX_SEEDS)

    def arms(self, arms: Arms, base: TrialConfig) -> Arms:
        """An arm for each of ``arms`` and each factor, in that order, called as by ``arm_name``.

        Arms that have no seeds are not tuned. Raises InputError as ``Arms`` does.
        """
        fields, seeds = {}, {}
        for arm, changes in arms.fields.items():
            for factor in self.factors:
                name = self.arm_name(arm, factor)
                fields[name] = {**changes, self.field: self.value(changes, base, factor)}
                seeds[name] = self.seeds if arms.seeds_of(arm) else 0
        return Arms(fields, seeds)

    def arm_name(self, arm: str, factor: float) -> str:
        """What an arm is called that is trained with its value times ``factor``: arm x0.333."""
        return f"{arm} x{factor:g}"

    def value(self, changes: Mapping[str, Any], base: TrialConfig, factor: float) -> float:
        """The field of an arm that makes these ``changes`` to ``base``, times ``factor``."""
        return factor * float(changes.get(self.field, getattr(base, self.field)))

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a study file."""
        return {"field": self.field, "factors": list(self.factors), "seeds": self.seeds}


@dataclass(frozen=True)
class Confirmation:
    """``[confirm]``: how many ``top`` configurations of a search to train on how many new seeds.

    Each gets ``seeds``; then those that may still be the best get more, up to ``max_seeds``, which
    is ``seeds`` by default. Raises InputError for counts out of range.
    """

    top: int = 3
    seeds: int = 5
    max_seeds: int | None = None

    def __post_init__(self) -> None:
        """Validate the counts."""
        check_whole("[confirm]: top", self.top, 1, MAX_ARMS)
        check_whole("[confirm]: seeds", self.seeds, 2, MAX_SEEDS)
        if self.max_seeds is not None:
            check_whole("[confirm]: max_seeds", self.max_seeds, self.seeds, MAX_SEEDS)

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which configurations may leave, each half as many again."""
        most, found = self.max_seeds or self.seeds, [self.seeds]
        while found[-1] < most:
            found.append(min(most, -(-3 * found[-1] // 2)))
        return tuple(found)

    def to_dict(self) -> dict[str, int]:
        """As it stands in a study file."""
        most = {} if self.max_seeds is None else {"max_seeds": self.max_seeds}
        return {"top": self.top, "seeds": self.seeds, **most}


def confirmation_name(study_name: str) -> str:
    """The name of the study that confirms the winners of the search ``study_name``."""
    return derived_name(study_name, "-confirm", longest=92)


def tuning_name(study_name: str) -> str:
    """The name of the study that tunes the arms of the study ``study_name``."""
    return derived_name(study_name, "-tune", longest=95)


def confirmation_arm(trial: int) -> str:
    """The arm that confirms the configuration of a search's trial, such as ``trial-007``."""
    return f"trial-{trial:03d}"


def confirmed_trial(arm: str) -> int | None:
    """The number of the trial that ``arm`` confirms; None for the name of another arm."""
    found = re.fullmatch(r"trial-(\d{3,9})", arm)
    return int(found[1]) if found else None


def parse_arms(table: Mapping[str, Any], seeds: Any) -> Arms | None:
    """The arms declared by the table ``[arms]``, with their ``seeds``; None for an empty one."""
    if not table:
        return None
    fields = {}
    for name, changes in table.items():
        if not isinstance(changes, Mapping):
            arm = escape_control_characters(name)
            raise InputError(f"[arms]: {arm} is a table of fields, got {shown(changes)}")
        fields[name] = dict(changes)
    return Arms(fields, dict(seeds) if isinstance(seeds, Mapping) else seeds)


def parse_confirmation(table: Mapping[str, Any]) -> Confirmation | None:
    """The confirmation declared by the table ``[confirm]``; None for an empty one."""
    if not table:
        return None
    with within("[confirm]"):
        check_keys(table, ("top", "seeds", "max_seeds"), "the table")
    return Confirmation(**table)


def parse_tuning(table: Mapping[str, Any]) -> Tuning | None:
    """The tuning declared by the table ``[tune]``; None for an empty one."""
    if not table:
        return None
    with within("[tune]"):
        check_keys(table, ("field", "factors", "seeds"), "the table")
    values: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in table.items()
    }
    return Tuning(**values)


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= sys.float_info.max  # false for NaN, too
