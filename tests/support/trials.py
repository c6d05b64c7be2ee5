"""One trial as a worker runs it: all parameters asked for at once, its end told to the study."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState


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
