"""Trials of a study: one as a worker runs it, and some that are only written to the storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

from harness.core.spec.study_spec import StudySpec
from harness.search.study.space import distributions
from harness.search.study.storage import load_or_create_study


def run_next_trial(
    study: optuna.Study,
    space: Mapping[str, BaseDistribution],
    objective: Callable[[optuna.Trial], float],
    catch: tuple[type[Exception], ...] = (),
) -> None:
    """Ask ``study`` for a trial of ``space``, run it, tell its end; ``catch`` is not raised."""
    trial = study.ask(dict(space))
    try:
        study.tell(trial, objective(trial))
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    except BaseException as error:
        study.tell(trial, state=TrialState.FAIL)
        if not isinstance(error, catch):
            raise


def add_trials(spec: StudySpec, storage: RDBStorage, *states: TrialState) -> None:
    """Let the study ``spec``, which searches leaky_slope, have trials that ended in ``states``."""
    study = load_or_create_study(spec, storage)
    for number, state in enumerate(states):
        value = 3.0 if state == TrialState.COMPLETE else None
        params, space = {"leaky_slope": 0.1 * number}, distributions(spec)
        study.add_trial(create_trial(state=state, value=value, params=params, distributions=space))
