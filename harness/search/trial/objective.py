"""The function that Optuna optimizes."""

from __future__ import annotations

import optuna
from optuna.exceptions import UpdateFinishedTrialError

from harness.core.errors import TakenOverError
from harness.core.schema import Tag, TrialAttribute
from harness.search.study.space import arm_name, config_of
from harness.search.trial.milestone_report import pruned_by
from harness.search.trial.runner import TrialRunner
from harness.tracking.failures import failure_reason


class Objective:
    """The function that Optuna optimizes: runs a trial's configuration, returns its final value."""

    def __init__(self, runner: TrialRunner) -> None:
        """Let ``runner`` run the trials."""
        self._runner = runner

    def __call__(self, trial: optuna.Trial) -> float:
        """The final value of the study's metric; TrialPruned if pruner or alarm stop the trial.

        ``trial`` has its parameters already, from ``study.ask(distributions(spec))``.
        """
        spec = self._runner.spec
        params = trial.params
        retry_of = trial.user_attrs.get(TrialAttribute.RETRY_OF)
        tags = {} if retry_of is None else {Tag.RETRY_OF.value: str(retry_of)}
        if spec.arms:
            tags[Tag.ARM.value] = arm_name(spec, params)
        config = config_of(spec, params)

        def report(value: float, images_seen: int) -> None:
            try:
                trial.report(value, images_seen)
            except UpdateFinishedTrialError:
                raise TakenOverError from None
            if images_seen < config.images and trial.should_prune():
                raise optuna.TrialPruned

        try:
            scores = self._runner.run(trial.number, config, report, tags)
        except optuna.TrialPruned as pruned:
            trial.set_user_attr(TrialAttribute.PRUNED_BY, pruned_by(pruned))
            raise
        except BaseException as error:
            trial.set_user_attr(TrialAttribute.FAILURE, failure_reason(error))
            raise
        trial.set_user_attr(TrialAttribute.SCORES, scores)
        return scores[spec.search.metric]
