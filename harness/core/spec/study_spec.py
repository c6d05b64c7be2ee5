"""A study: a question, the fixed fields, the searched fields, and how to search them.

Read from TOML and validated as a whole. Imports neither Optuna nor TensorFlow, so that
``--dry-run`` answers at once and reporting can read specs too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.config import SHARED, TrialConfig, check_keys, check_whole, parse_value
from harness.core.errors import InputError, check_printable, shown, within
from harness.core.schema import FID_LATE
from harness.core.spec.arms import (
    Arms,
    Confirmation,
    Tuning,
    parse_arms,
    parse_confirmation,
    parse_tuning,
)
from harness.core.spec.claims import Claim, parse_claim
from harness.core.spec.extractor_spec import ExtractorSpec
from harness.core.spec.milestones import (
    check_budget,
    even_milestones,
    milestones_with_late_ones,
    most_per_step,
    smoke_fields,
)
from harness.core.spec.names import check_study_name, derived_name
from harness.core.spec.search_space import Choices, Domain, Range, parse_domain
from harness.core.spec.search_spec import SearchSpec, parse_search
from harness.core.spec.toml_file import read_toml

__all__ = ["STUDY_KEYS", "Choices", "Range", "SearchSpec", "StudySpec"]

_TABLES = ("base", "space", "arms", "tune", "search", "evaluation", "confirm", "claim")
STUDY_KEYS = ("name", "question", "seeds", *_TABLES)
"""The keys of ``StudySpec.to_dict``, which ``StudySpec.from_dict`` reads back."""

_TO_THE_END = {"pruner": "none", "collapse_alarm": False}
"""Settings of ``[search]`` with arms: every trial is trained to its end."""


@dataclass(frozen=True)
class StudySpec:
    """A resolved study. ``num_samples`` images of each generator are scored, at every report.

    A study either searches a ``space`` or compares ``arms``; ``tune`` comes before arms,
    ``confirm`` follows a search, ``claim`` is tested on the runs of either. Raises InputError if a
    part is out of range, or if a combination that space or arms allow leaves a trial less than one
    step between two reports.
    """

    name: str
    question: str
    base: dict[str, Any] = field(default_factory=dict)
    space: dict[str, Domain] = field(default_factory=dict)
    search: SearchSpec = field(default_factory=SearchSpec)
    num_samples: int = 5_000
    extractor: ExtractorSpec = field(default_factory=ExtractorSpec)
    arms: Arms | None = None
    tune: Tuning | None = None
    confirm: Confirmation | None = None
    claim: Claim | None = None

    def __post_init__(self) -> None:
        """Validate each part, then their combination."""
        check_study_name(self.name)
        if not isinstance(self.question, str) or not self.question.strip():
            raise InputError(f"question is {shown(self.question)}; a study asks one, as text")
        check_printable("question", self.question)
        check_whole("[evaluation]: num_samples", self.num_samples, 100, 1_000_000)
        for name in self.space:
            if name in self.base:
                raise InputError(f"[space]: {name} is in [base] too; a field is fixed or searched")
        for name in SHARED:
            if name in self.space:
                raise InputError(f"[space]: {name} cannot be searched: all trials share it")
        self._check_arms()
        check_budget(self)

    def base_config(self) -> TrialConfig:
        """The configuration that every trial starts from, before the searched fields are set."""
        return TrialConfig.from_dict(self.base)

    @property
    def varied(self) -> tuple[str, ...]:
        """The fields in which trials differ: those searched, or those that arms set."""
        return self.arms.varied if self.arms else tuple(self.space)

    def replace(self, **changes: Any) -> StudySpec:
        """A copy with ``changes`` of the StudySpec's own fields."""
        return dataclasses.replace(self, **changes)

    def with_settings(self, settings: Iterable[str]) -> StudySpec:
        """A copy with each ``FIELD=VALUE`` fixed in the base, no longer searched.

        Raises InputError for text without ``=``, unknown fields and values that do not fit.
        """
        fixed: dict[str, Any] = {}
        for setting in settings:
            name, sign, text = setting.partition("=")
            with within("--set"):
                if not sign:
                    raise InputError(f"takes FIELD=VALUE, got {shown(setting)}")
                fixed[name.strip()] = parse_value(name.strip(), text.strip())
        return self._fix(fixed)

    def with_seed(self, seed: int) -> StudySpec:
        """A copy with ``seed`` as the seed of the search and of its trials."""
        return self._fix({"seed": seed}, search=dataclasses.replace(self.search, seed=seed))

    def with_seeds(self, seeds: int | Mapping[str, int]) -> StudySpec:
        """A copy that trains every arm with as many ``seeds``; InputError without arms."""
        if self.arms is None:
            raise InputError(f"--seeds is for studies with [arms]; {self.name} searches a space")
        arms = dataclasses.replace(self.arms, seeds=seeds)
        search = dataclasses.replace(self.search, num_trials=arms.num_trials)
        return self.replace(arms=arms, search=search)

    def smoke(self) -> StudySpec:
        """The study reduced to seconds: two narrow, short trials, few samples."""
        small = smoke_fields(self)
        arms = self.arms and dataclasses.replace(self.arms.without(small), seeds=1)
        count = arms.num_trials if arms else 2
        search = dataclasses.replace(self.search, num_trials=count, reports=3)
        return self._fix(
            small,
            name=derived_name(self.name, "-smoke", longest=94),
            search=search,
            num_samples=200,
            arms=arms,
            tune=self.tune and dataclasses.replace(self.tune, seeds=1),
            confirm=self.confirm and Confirmation(top=1, seeds=2),
        )

    def single_trial(self) -> StudySpec:
        """A study of the base configuration only, named after this study and the configuration.

        The same configuration gets the same name, so that its trial is found again.
        """
        parts: list[Any] = [self.base_config().identity(), self.num_samples]
        if self.search.metric != "fid":  # the default of earlier versions, not in their names
            parts.append({"metric": self.search.metric})
        if extractor := self.extractor.to_dict():
            parts.append(extractor)
        config = json.dumps(parts, sort_keys=True)
        digest = hashlib.sha256(config.encode()).hexdigest()[:8]
        search = dataclasses.replace(self.search, num_trials=1, pruner="none", collapse_alarm=False)
        return self.replace(
            name=derived_name(self.name, f"-trial-{digest}", longest=80),
            question=f"How good is this one configuration of the study {self.name}?",
            space={},
            search=search,
            arms=None,
            tune=None,
            confirm=None,
            claim=None,
        )

    def milestones(self, images: int) -> list[int]:
        """The images_seen at which a trial of ``images`` training images reports, end included.

        ``reports`` of them lie at equal distances. A search for ``fid_late`` has more in the last
        quarter, as ``milestones_with_late_ones`` says; its trials of all batch sizes have the same.
        """
        if self.search.metric != FID_LATE:
            return even_milestones(images, self.search.reports)
        return milestones_with_late_ones(images, self.search.reports, most_per_step(self))

    def to_dict(self) -> dict[str, Any]:
        """The whole study, plain types, ready for JSON; ``from_dict`` reads it back."""
        return {
            "name": self.name,
            "question": self.question,
            "seeds": _plain_seeds(self.arms) if self.arms else 1,
            "base": dict(self.base),
            "space": {name: domain.to_dict() for name, domain in self.space.items()},
            "arms": self.arms.to_dict() if self.arms else {},
            "tune": self.tune.to_dict() if self.tune else {},
            "search": self.search.to_dict(),
            "evaluation": {"num_samples": self.num_samples, **self.extractor.to_dict()},
            "confirm": self.confirm.to_dict() if self.confirm else {},
            "claim": self.claim.to_dict() if self.claim else {},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, name: str = "study") -> StudySpec:
        """The study declared by ``values``; InputError naming the table and key otherwise.

        ``name`` is used where ``values`` has none.
        """
        check_keys(values, STUDY_KEYS, "the study file")
        tables = {key: _table(values, key) for key in _TABLES}
        arms = parse_arms(tables["arms"], values.get("seeds", 1))
        if arms is None and values.get("seeds", 1) != 1:
            raise InputError("seeds is for studies with [arms]")
        defaults = {**_TO_THE_END, "num_trials": arms.num_trials} if arms else {}
        return cls(
            name=values.get("name", name),
            question=values.get("question", ""),
            base=_base(tables["base"]),
            space=_space(tables["space"]),
            search=parse_search({**defaults, **tables["search"]}),
            arms=arms,
            tune=parse_tuning(tables["tune"]),
            confirm=parse_confirmation(tables["confirm"]),
            claim=parse_claim(tables["claim"]),
            **_evaluation(tables["evaluation"]),
        )

    @classmethod
    def load(cls, path: Path) -> StudySpec:
        """The study in the TOML file at ``path``, named after the file; InputError if invalid."""
        with within(str(path)):
            values = read_toml(path)
            check_keys(values, ("question", "seeds", *_TABLES), "the study file")
            spec = cls.from_dict(values, name=path.stem)
            if spec.tune and spec.arms:
                with within("[tune]"):
                    spec.tune.arms(spec.arms, spec.base_config()).configs(spec.base_config())
            return spec

    def _fix(self, fixed: Mapping[str, Any], **changes: Any) -> StudySpec:
        """A copy with ``changes``, and with ``fixed`` in the base and out of the space."""
        config = TrialConfig.from_dict({**self.base, **fixed})
        base = {name: getattr(config, name) for name in {**self.base, **fixed}}
        for name in self.arms.varied if self.arms and "arms" not in changes else ():
            if name in fixed:
                raise InputError(f"--set: {name} differs between the arms; it cannot be fixed")
        space = {name: domain for name, domain in self.space.items() if name not in fixed}
        return self.replace(base=base, space=space, **changes)

    def _check_arms(self) -> None:
        """Arms exclude a space; they and a claim must fit together and to the search."""
        names = self.arms.names if self.arms else ()
        if self.arms:
            if self.space:
                raise InputError("[space] and [arms] exclude each other: search or compare")
            if self.confirm:
                raise InputError("[confirm] follows a search of a [space]; arms have seeds")
            for key, value in _TO_THE_END.items():
                given = getattr(self.search, key)
                if given != value:
                    raise InputError(
                        f"[search]: {key} is {shown(given)}; with [arms] it can only be {value!r}"
                    )
            self.arms.configs(self.base_config())
        if self.tune and (not self.arms or self.search.metric not in ("fid", FID_LATE)):
            raise InputError(f"[tune] is for [arms] that minimize {FID_LATE} or fid")
        if self.claim and self.claim.runs_of:
            with within("[claim]: runs_of"):
                check_study_name(self.claim.runs_of)
            if self.arms or self.space:
                raise InputError(
                    f"[claim]: runs_of {self.claim.runs_of} leaves no trials to run; "
                    "allowed: neither [space] nor [arms] beside it"
                )
        elif self.claim:
            self.claim.check_arms(names)


def _plain_seeds(arms: Arms) -> int | dict[str, int]:
    return arms.seeds if isinstance(arms.seeds, int) else dict(arms.seeds)


def _table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    table = values.get(key, {})
    if not isinstance(table, Mapping):
        raise InputError(f"{key} is a table, [{key}], got {shown(table)}")
    return dict(table)


def _base(table: Mapping[str, Any]) -> dict[str, Any]:
    with within("[base]"):
        config = TrialConfig.from_dict(table)
    return {name: getattr(config, name) for name in table}


def _space(table: Mapping[str, Any]) -> dict[str, Domain]:
    with within("[space]"):
        return {name: parse_domain(name, declared) for name, declared in table.items()}


def _evaluation(table: Mapping[str, Any]) -> dict[str, Any]:
    """The StudySpec fields that ``[evaluation]`` sets."""
    with within("[evaluation]"):
        check_keys(table, ("num_samples", "extractor", "weights"), "the table")
        extractor = ExtractorSpec(table.get("extractor", "reference"), table.get("weights"))
    samples = {"num_samples": table["num_samples"]} if "num_samples" in table else {}
    return {"extractor": extractor, **samples}
