"""The confirmation after a search: its best configurations on fresh seeds, and who wins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

from harness.core.schema import StudyAttribute, Tag
from harness.core.spec.arms import Arms, confirmation_arm, confirmation_name, confirmed_trial
from harness.core.spec.search_space import extent
from harness.core.spec.study_spec import SearchSpec, StudySpec
from harness.search.plan import StudyPlan
from harness.search.study.space import arm_name
from harness.search.study.storage import open_storage
from harness.search.study.trials import StudyOutcome, counted_trials, trial_record

if TYPE_CHECKING:
    from harness.outcomes.race import Fresh


def confirmation_study(spec: StudySpec, storage_url: str) -> StudySpec:
    """The study of arms that confirms ``spec``, whose search is complete.

    One arm per configuration, named after its trial, with as many seeds as the race of the
    configurations asks for now. The seeds begin after those of the search, so that no configuration
    is judged by the run that selected it. Arms of an earlier confirmation keep their index and
    their seeds; a search that was extended adds arms for its best configurations now.
    """
    assert spec.confirm is not None
    storage = open_storage(storage_url)
    study = optuna.load_study(study_name=spec.name, storage=storage)
    name = confirmation_name(spec.name)
    before = _arms_before(name, storage)
    fields = {arm: dict(changes) for arm, changes in before.fields.items()} if before else {}
    for trial in best_first(study)[: spec.confirm.top]:
        changes = {field: value for field, value in trial.params.items() if field != "seed"}
        if changes not in fields.values():
            fields[confirmation_arm(trial.number)] = changes
    arms = Arms(fields, _seeds(fields, before, spec, _fresh_scores(name, storage)))
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


def with_winner(outcome: StudyOutcome, spec: StudySpec, storage_url: str) -> StudyOutcome:
    """``outcome`` with the winner of the search ``spec``, by its confirmation as far as it was run.

    Unchanged before a trial is complete, and for arms, which a claim's verdict compares.
    """
    from harness.outcomes.winner import Candidate, find_winner

    if spec.arms is not None or outcome.best is None:
        return outcome
    storage = open_storage(storage_url)
    done = best_first(optuna.load_study(study_name=spec.name, storage=storage))
    fresh = _fresh_scores(confirmation_name(spec.name), storage) if spec.confirm else {}
    candidates = [
        Candidate(trial.number, trial.values[0], trial.params, fresh.get(trial.number, ()))
        for trial in done
    ]
    looks = spec.confirm.looks if spec.confirm else ()
    lower = spec.search.direction == "minimize"
    winner = find_winner(candidates, spec.space, looks=looks, lower_is_better=lower)
    assert winner is not None
    best = next(trial_record(trial) for trial in done if trial.number == winner.trial)
    return dataclasses.replace(outcome, best=best, winner=winner.to_dict(spec.search.metric))


def tag_winner(outcome: StudyOutcome, plan: StudyPlan) -> None:
    """Write the winner of ``outcome`` to the tags of the study's MLflow run, if it is another."""
    winner = outcome.winner
    assert winner is not None
    tags = {
        Tag.WINNER.value: str(winner["trial"]),
        Tag.WINNER_ALIKE.value: ", ".join(map(str, winner["alike"])),
    }
    storage = open_storage(plan.storage_url)
    study = optuna.load_study(study_name=outcome.name, storage=storage)
    if study.user_attrs.get(StudyAttribute.WINNER) == tags:
        return
    from harness.tracking.mlflow_tracker import MlflowTracker

    MlflowTracker(plan.tracking_uri, plan.layout.artifact_root).tag_study(outcome.name, tags)
    study.set_user_attr(StudyAttribute.WINNER, tags)


def _seeds(
    fields: Mapping[str, object], before: Arms | None, spec: StudySpec, fresh: Mapping[int, Fresh]
) -> dict[str, int]:
    """Arm -> how many seeds it is to have: what the race says, and no fewer than it had."""
    from harness.outcomes.race import race

    assert spec.confirm is not None
    trials = {arm: number for arm in fields if (number := confirmed_trial(arm)) is not None}
    scores = {number: fresh.get(number, ()) for number in trials.values()}
    lower = spec.search.direction == "minimize"
    wanted = race(scores, spec.confirm.looks, lower_is_better=lower).seeds
    had = {arm: before.seeds_of(arm) for arm in before.names} if before else {}
    return {arm: max(wanted.get(trials.get(arm, -1), 0), had.get(arm, 0)) for arm in fields}


def _fresh_scores(name: str, storage: optuna.storages.RDBStorage) -> dict[int, Fresh]:
    """Number of a confirmed trial -> scores in the order of their seeds, None for a failed run.

    Empty without a study called ``name``.
    """
    if name not in optuna.get_all_study_names(storage):
        return {}
    study = optuna.load_study(study_name=name, storage=storage)
    spec = StudySpec.from_dict(study.user_attrs[StudyAttribute.SPEC])
    scores: dict[int, list[float | None]] = {}
    for trial in sorted(counted_trials(study), key=lambda trial: trial.params["seed"]):
        number = confirmed_trial(arm_name(spec, trial.params))
        if number is not None:
            value = trial.values[0] if trial.state == TrialState.COMPLETE else None
            scores.setdefault(number, []).append(value)
    return dict(scores)


def best_first(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The complete trials, the best first; among equals the earlier one."""
    sign = 1.0 if study.direction == optuna.study.StudyDirection.MINIMIZE else -1.0
    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    return sorted(done, key=lambda trial: (sign * trial.values[0], trial.number))


def _arms_before(name: str, storage: optuna.storages.RDBStorage) -> Arms | None:
    """The arms of the confirmation called ``name`` as it was declared last; None without one."""
    if name not in optuna.get_all_study_names(storage):
        return None
    before = optuna.load_study(study_name=name, storage=storage).user_attrs[StudyAttribute.SPEC]
    return StudySpec.from_dict(before).arms
