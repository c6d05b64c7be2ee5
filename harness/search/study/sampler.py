"""The samplers and pruners of a study; no sampler proposes a configuration twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from harness.core.seeds import derive_seed
from harness.core.spec.search_spec import MEDIAN_STARTUP_TRIALS
from harness.core.spec.study_spec import Range, StudySpec

TPE_ATTEMPTS = 20
MAX_ATTEMPTS = 10_000


class _WholeSpaceSampler(BaseSampler):
    """Proposes all parameters of a study's space at once, in view of the trials so far."""

    def __init__(self, history: Study, space: Mapping[str, BaseDistribution]) -> None:
        """Read past trials from ``history``."""
        self._history = history
        self._space = dict(space)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The whole space: every parameter is proposed at once."""
        return self._space

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Never called for the study's space; ValueError for a parameter outside it."""
        raise ValueError(f"{param_name} is not in the study's space")

    def _past_params(self) -> list[dict[str, Any]]:
        trials = self._history.get_trials(deepcopy=False)
        return [trial.params for trial in trials if trial.params]


class ListSampler(_WholeSpaceSampler):
    """The first of a list of configurations that no earlier trial has."""

    def __init__(
        self,
        history: Study,
        space: Mapping[str, BaseDistribution],
        listed: Sequence[Mapping[str, Any]],
    ) -> None:
        """Read past trials from ``history``; ``listed`` holds a value for all of ``space``."""
        super().__init__(history, space)
        self._listed = [dict(params) for params in listed]

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The next of the list; ValueError if all of it has been tried."""
        past = self._past_params()
        for params in self._listed:
            if params not in past:
                return params
        raise ValueError(f"all {len(self._listed)} configurations have been tried")


class DistinctSampler(_WholeSpaceSampler):
    """TPE or random search, seeded anew for every trial by (seed, trial number).

    An interrupted and resumed study therefore proposes what an uninterrupted one would (a sampler
    seeded once would repeat its first configurations). A configuration of an earlier trial is drawn
    again, at random after TPE_ATTEMPTS; the caller ensures that the space is not exhausted.
    """

    def __init__(
        self,
        history: Study,
        space: Mapping[str, BaseDistribution],
        kind: str,
        seed: int,
        startup: int | None = None,
    ) -> None:
        """Read past trials from ``history``; ``kind`` is "tpe" or "random".

        ``startup``: how many trials TPE draws at random first; None for one for each field, at most
        ten. Optuna's own default, always ten, is most of a small study (docs/search.md).
        """
        super().__init__(history, space)
        self._kind = kind
        self._seed = seed
        self._startup = min(10, len(space)) if startup is None else startup

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A configuration that no earlier trial has; ValueError if none is found."""
        if not search_space:
            return {}
        past = self._past_params()
        for attempt in range(MAX_ATTEMPTS):
            params = self._propose(study, trial, attempt)
            if params not in past:
                return params
        raise ValueError(f"no new configuration in {MAX_ATTEMPTS} draws from the space")

    def _propose(self, study: Study, trial: FrozenTrial, attempt: int) -> dict[str, Any]:
        seed = derive_seed(self._seed, "sampler", trial.number, attempt)
        sampler = self._sampler(seed, "random" if attempt >= TPE_ATTEMPTS else self._kind)
        params = sampler.sample_relative(study, trial, self._space)
        for name, distribution in self._space.items():
            if name not in params:
                params[name] = sampler.sample_independent(study, trial, name, distribution)
        return {name: params[name] for name in self._space}

    def _sampler(self, seed: int, kind: str) -> BaseSampler:
        if kind == "random":
            return RandomSampler(seed=seed)
        return TPESampler(
            seed=seed, n_startup_trials=self._startup, multivariate=True, constant_liar=True
        )


REDUCTION_FACTOR = 3  # Li et al. 2018 (Hyperband), section 2.6, recommends 3 or 4


def make_pruner(spec: StudySpec) -> BasePruner:
    """The study's pruner, on images_seen: trials of all batch sizes report at the same milestones.

    The median pruner spares the first MEDIAN_STARTUP_TRIALS trials, and all in the first third.
    """
    domain = spec.space.get("images")
    if domain is None:
        images = spec.base_config().images
    else:
        images = int(domain.high if isinstance(domain, Range) else max(domain.values))
    if spec.search.pruner == "hyperband":
        # Rounded down, so that no rung lies a few images beyond its report.
        return HyperbandPruner(max(1, images // spec.search.reports), images, REDUCTION_FACTOR)
    if spec.search.pruner == "median":
        return MedianPruner(MEDIAN_STARTUP_TRIALS, n_warmup_steps=images // 3)
    return NopPruner()
