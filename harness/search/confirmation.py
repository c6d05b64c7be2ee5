"""The confirmation after a search: its best configurations, trained with fresh seeds."""

from __future__ import annotations

from typing import Any

import optuna

from harness.core.schema import StudyAttribute
from harness.core.spec.arms import Arms, confirmation_name
from harness.core.spec.search_space import extent
from harness.core.spec.study_spec import SearchSpec, StudySpec
from harness.search.study.storage import open_storage
from harness.tracking.tracker import trial_run_name


def confirmation_study(spec: StudySpec, storage_url: str) -> StudySpec:
    """The study of arms that confirms ``spec``, whose search is complete.

    One arm per configuration, named after its trial. The seeds begin after those of the search, so
    that no configuration is judged by the run that selected it. Arms of an earlier confirmation
    keep their index; a search that was extended adds arms for its best configurations now.
    """
    assert spec.confirm is not None
    storage = open_storage(storage_url)
    study = optuna.load_study(study_name=spec.name, storage=storage)
    name = confirmation_name(spec.name)
    fields = _arms_before(name, storage)
    for trial in _best_first(study)[: spec.confirm.top]:
        changes = {field: value for field, value in trial.params.items() if field != "seed"}
        if changes not in fields.values():
            fields[trial_run_name(trial.number)] = changes
    arms = Arms(fields, spec.confirm.seeds)
    search = spec.search
    _, last_seed = extent(spec.space.get("seed"), spec.base_config().seed)
    return spec.replace(
        name=name,
        question=f"Do the best configurations of the study {spec.name} hold on fresh seeds?",
        base={**spec.base, "seed": int(last_seed) + 1},
        space={},
        arms=arms,
        confirm=None,
        claim=None,
        search=SearchSpec(
            metric=search.metric,
            direction=search.direction,
            num_trials=arms.num_trials,
            pruner="none",
            reports=search.reports,
            seed=search.seed,
            collapse_alarm=False,
        ),
    )


def _best_first(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The complete trials, the best first; among equals the earlier one."""
    sign = 1.0 if study.direction == optuna.study.StudyDirection.MINIMIZE else -1.0
    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    return sorted(done, key=lambda trial: (sign * trial.values[0], trial.number))


def _arms_before(name: str, storage: optuna.storages.RDBStorage) -> dict[str, dict[str, Any]]:
    if name not in optuna.get_all_study_names(storage):
        return {}
    before = optuna.load_study(study_name=name, storage=storage).user_attrs[StudyAttribute.SPEC]
    return {arm: dict(fields) for arm, fields in before["arms"].items()}
