"""The trials of a study: which count as done, how they ended, what is queued again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.schema import INTERRUPTED, Tag, TrialAttribute
from harness.core.spec.study_spec import StudySpec
from harness.search.study.space import arm_name, config_of, distributions
from harness.tracking.reconcile import Ending

_QUEUED_PARAMS = (
    "fixed_params"  # system attribute in which Optuna keeps the values given to enqueue_trial
)


def was_interrupted(trial: FrozenTrial) -> bool:
    """Whether a person or a kill ended the trial: such a trial does not count and runs again.

    A FAIL without a reason counts as interrupted: the process died before writing it.
    """
    failed = trial.state == TrialState.FAIL
    return failed and trial.user_attrs.get(TrialAttribute.FAILURE, INTERRUPTED) == INTERRUPTED


def counted_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that are done: complete, pruned or failed for a reason of their own."""
    return counted(study.get_trials(deepcopy=False))


def counted(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those of ``trials`` that are done, as for ``counted_trials``."""
    return [trial for trial in trials if trial.state.is_finished() and not was_interrupted(trial)]


def requeue_interrupted(
    study: optuna.Study, names: Collection[str], trials: Sequence[FrozenTrial] | None = None
) -> None:
    """Queue the configuration of each interrupted trial again, unless that was done before.

    A trial interrupted before all parameters, called ``names``, were set has none. ``trials``: all
    of the study as they are now, if they were read already.
    """
    trials = study.get_trials(deepcopy=False) if trials is None else trials
    interrupted = [trial for trial in trials if was_interrupted(trial)]
    if not interrupted:  # nearly always, and this is asked before each trial
        return
    retried = {trial.user_attrs.get(TrialAttribute.RETRY_OF) for trial in trials}
    for trial in interrupted:
        params = _planned_params(trial)
        if params.keys() == set(names) and trial.number not in retried:
            study.enqueue_trial(params, user_attrs={TrialAttribute.RETRY_OF.value: trial.number})


def close_interrupted(storage: RDBStorage, trial_id: int) -> None:
    """End a stale trial as interrupted, unless its worker has ended it meanwhile."""
    with suppress(UpdateFinishedTrialError):
        storage.set_trial_user_attr(trial_id, TrialAttribute.FAILURE, INTERRUPTED)
        storage.set_trial_state_values(trial_id, TrialState.FAIL)


def trial_endings(study: optuna.Study, spec: StudySpec | None = None) -> dict[int, Ending | None]:
    """How each trial of the study ended, by number; None for a trial that waits or runs.

    With the ``spec`` of the study, an interrupted trial has its configuration.
    """
    return {trial.number: _ending(trial, spec) for trial in study.get_trials(deepcopy=False)}


def _ending(trial: FrozenTrial, spec: StudySpec | None) -> Ending | None:
    if trial.state == TrialState.COMPLETE:
        return Ending(schema.FinalState.COMPLETE)
    if trial.state == TrialState.PRUNED:
        pruned_by = trial.user_attrs.get(TrialAttribute.PRUNED_BY, schema.PRUNED_BY_PRUNER)
        return Ending(schema.FinalState.PRUNED, {Tag.PRUNED_BY.value: pruned_by})
    if trial.state == TrialState.FAIL:
        reason = trial.user_attrs.get(TrialAttribute.FAILURE, INTERRUPTED)
        config = _config(trial, spec) if spec and reason == INTERRUPTED else None
        return Ending(schema.FinalState.FAIL, {Tag.FAILURE.value: reason}, config)
    return None


def _config(trial: FrozenTrial, spec: StudySpec) -> TrialConfig | None:
    """The trial's configuration; None if it was interrupted before all parameters were set."""
    params = _planned_params(trial)
    return config_of(spec, params) if params.keys() == distributions(spec).keys() else None


def _planned_params(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that the trial has or was queued with."""
    params: dict[str, Any] = trial.system_attrs.get(_QUEUED_PARAMS, trial.params)
    return params


@dataclass(frozen=True)
class StudyOutcome:
    """A study after a session: its trials, the best one, the scores of its arms.

    done: trials that count, of ``total`` wanted. states: Optuna state -> number of trials, the
    interrupted ones apart. best: number, value, params and scores of the winner's trial, else of
    the best complete one, or None. winner: of a search, as ``outcomes.winner`` says it. untrained:
    scores of the base configuration before its first step. scale: metric -> what perfect and null
    level are. arms: arm -> the metric of its complete trials in the order of their seeds, empty in
    a search. ran: trials that ended during this session. interrupted: whether Ctrl-C or SIGTERM
    ended it.
    """

    name: str
    metric: str
    done: int
    total: int
    states: dict[str, int]
    ran: int
    interrupted: bool
    wall_seconds: float
    untrained: dict[str, float]
    scale: dict[str, dict[str, float | None]]
    best: dict[str, Any] | None
    arms: dict[str, list[float]]
    winner: dict[str, Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether no trial is left to run."""
        return self.done >= self.total


def count_states(study: optuna.Study) -> dict[str, int]:
    """Optuna state -> number of the study's trials, interrupted ones apart as INTERRUPTED."""
    trials = study.get_trials(deepcopy=False)
    states = Counter(trial.state.name for trial in counted_trials(study))
    interrupted = sum(was_interrupted(trial) for trial in trials)
    return {**states, **({"INTERRUPTED": interrupted} if interrupted else {})}


def best_trial(study: optuna.Study) -> dict[str, Any] | None:
    """The ``trial_record`` of the best complete trial; None without one."""
    try:
        return trial_record(study.best_trial)
    except ValueError:  # no trial is complete
        return None


def trial_record(trial: FrozenTrial) -> dict[str, Any]:
    """Number, value, params and scores of a complete trial."""
    return {
        "trial": trial.number,
        "value": trial.value,
        "params": dict(trial.params),
        "scores": trial.user_attrs.get(TrialAttribute.SCORES, {}),
    }


def best_so_far(study: optuna.Study) -> dict[int, float]:
    """Number of each ended trial -> the best value up to it; none before the first complete one.

    Ends at the first trial that waits or runs, so that no value changes later.
    """
    pick = min if study.direction == optuna.study.StudyDirection.MINIMIZE else max
    best: float | None = None
    found: dict[int, float] = {}
    for trial in study.get_trials(deepcopy=False):
        if not trial.state.is_finished():
            break
        if trial.state == TrialState.COMPLETE:
            value = trial.values[0]
            best = value if best is None else pick(best, value)
        if best is not None:
            found[trial.number] = best
    return found


def arm_values(spec: StudySpec, study: optuna.Study) -> dict[str, list[float]]:
    """Arm -> values of its complete trials in the order of their seeds; empty in a search."""
    if spec.arms is None:
        return {}
    values: dict[str, list[float]] = {name: [] for name in spec.arms.names}
    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    for trial in sorted(done, key=lambda trial: trial.params["seed"]):
        values[arm_name(spec, trial.params)].append(trial.values[0])
    return values
