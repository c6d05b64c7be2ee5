"""Pruners on images_seen: every trial reports at the same milestones, whatever its batch size."""

from __future__ import annotations

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner

from harness.core.spec.study_spec import Range, StudySpec

REDUCTION_FACTOR = 3  # Li et al. 2018 (Hyperband), section 2.6, recommends 3 or 4


def make_pruner(spec: StudySpec) -> BasePruner:
    """The study's pruner. The median pruner leaves 4 trials, and the first third of each, alone."""
    domain = spec.space.get("images")
    if domain is None:
        images = spec.base_config().images
    else:
        images = int(domain.high if isinstance(domain, Range) else max(domain.values))
    milestones = spec.milestones(images)
    if spec.search.pruner == "hyperband":
        return HyperbandPruner(milestones[0], images, REDUCTION_FACTOR)
    if spec.search.pruner == "median":
        return MedianPruner(n_startup_trials=4, n_warmup_steps=images // 3)
    return NopPruner()
