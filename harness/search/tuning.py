"""The tuning of arms before their seeds count: the same small search for each, on its own seeds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import optuna
from optuna.trial import TrialState

from harness.core.spec.arms import MAX_SEEDS, Arms, tuning_name
from harness.core.spec.study_spec import StudySpec
from harness.outcomes.tuning import Choice, choices
from harness.search.study.lock import study_lock
from harness.search.study.space import arm_name
from harness.search.study.storage import find_study, open_storage
from harness.search.study.trials import counted_trials


def tuning_study(spec: StudySpec) -> StudySpec:
    """The study of arms that tunes those of ``spec`` that have seeds.

    One arm for each arm and factor. Its seeds begin MAX_SEEDS after those that count, so that no
    arm is judged by a run that chose its value.
    """
    assert spec.arms is not None
    assert spec.tune is not None
    base = spec.base_config()
    arms = spec.tune.arms(spec.arms, base)
    return spec.replace(
        name=tuning_name(spec.name),
        question=f"Which {spec.tune.field} suits each arm of the study {spec.name}?",
        base={**spec.base, "seed": base.seed + MAX_SEEDS},
        arms=arms,
        tune=None,
        claim=None,
        search=dataclasses.replace(spec.search, num_trials=arms.num_trials),
    )


def chosen(spec: StudySpec, storage_url: str) -> dict[str, Choice]:
    """Arm -> the choice of its tuning, for the arms of ``spec`` whose tuning is complete.

    Raises InputError for a tuning that began with another declaration.
    """
    assert spec.arms is not None
    assert spec.tune is not None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage, tuning = open_storage(storage_url), tuning_study(spec)
    with study_lock(storage, tuning.name):
        study = find_study(tuning, storage)
    scores: dict[str, list[float | None]] = {}
    for trial in counted_trials(study) if study else ():
        value = trial.values[0] if trial.state == TrialState.COMPLETE else None
        scores.setdefault(arm_name(tuning, trial.params), []).append(value)
    return choices(spec.tune, scores, spec.arms.names)


def tuned(spec: StudySpec, found: Mapping[str, Choice]) -> StudySpec:
    """The study ``spec`` in which every arm with a choice has the value that was chosen for it."""
    assert spec.arms is not None
    assert spec.tune is not None
    base, tune = spec.base_config(), spec.tune
    fields = {
        arm: {**changes, tune.field: tune.value(changes, base, found[arm].factor)}
        if arm in found
        else changes
        for arm, changes in spec.arms.fields.items()
    }
    return spec.replace(arms=Arms(fields, spec.arms.seeds))


def tuning_lines(spec: StudySpec, found: Mapping[str, Choice]) -> list[str]:
    """For a person: the values tried for each arm, what they scored, and the one that is chosen."""
    assert spec.arms is not None
    assert spec.tune is not None
    base, tune, lines = spec.base_config(), spec.tune, []
    width = max(map(len, spec.arms.names))
    for arm, choice in found.items():
        changes = spec.arms.fields[arm]
        tried = [
            f"{tune.value(changes, base, factor):.4g}: "
            + (f"{level:.4g}" if math.isfinite(level) else "failed")
            for factor, level in choice.levels.items()
        ]
        value = f"{tune.value(changes, base, choice.factor):.4g}"
        edge = ", at the edge of what was tried" if choice.edge else ""
        words = f"{tune.field} {value}{edge} ({spec.search.metric} by {tune.field}: "
        lines.append(f"  {arm.ljust(width)}  {words}{', '.join(tried)})")
    return lines
