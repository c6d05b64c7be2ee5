"""How many runs a page of claims takes at most, and how many of them are trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.core.config import TrialConfig
from harness.core.spec.study_spec import StudySpec
from harness.reporting.formats import count
from harness.reporting.statistics.verdicts import LOOKS, RUNS_PER_SEED
from harness.search.tuning import tuning_study


def plan_words(specs: Sequence[StudySpec], max_seeds: int) -> str:
    """What all tests need that have as many looks as ``max_seeds`` allows; "" for no look.

    specs: the studies with the runs. Runs that several studies share are trained once; which value
    an arm is tuned to is not known yet, but arms that are alike are tuned alike.
    """
    seeds = max((look for look in LOOKS if look <= max_seeds), default=0)
    if not seeds:
        return ""
    plans = [(list(_runs(spec, seeds)), list(_tuning(spec))) for spec in specs]
    runs = [run for counting, _ in plans for run in counting]
    tuning = [run for _, before in plans for run in before]
    different = len({*runs, *tuning})
    return (
        f"at most {count(len(runs) + len(tuning), 'run')} to {seeds} seeds, {len(tuning):,} of "
        f"them to tune arms; {different:,} are trained, the others are shared"
    )


def _runs(spec: StudySpec, seeds: int) -> Iterator[str]:
    """What each run that counts trains, as texts that are equal for runs that are the same."""
    if spec.arms is None:
        yield from (f"{spec.name} {number}" for number in range(RUNS_PER_SEED * seeds))
        return
    for config in spec.arms.configs(spec.base_config()).values():
        yield from (_text(spec, config, config.seed + offset) for offset in range(seeds))


def _tuning(spec: StudySpec) -> Iterator[str]:
    """The same of the runs that tune its arms."""
    if spec.tune is None:
        return
    study = tuning_study(spec)
    assert study.arms is not None
    for config in study.arms.configs(study.base_config()).values():
        yield from (_text(study, config, config.seed + k) for k in range(spec.tune.seeds))


def _text(spec: StudySpec, config: TrialConfig, seed: int) -> str:
    scored: list[Any] = [spec.milestones(config.images), spec.num_samples, spec.extractor.to_dict()]
    return json.dumps([config.replace(seed=seed).identity(), *scored], sort_keys=True)
