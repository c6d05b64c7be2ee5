"""How much a study's trials train: whether reports leave room for steps, and the smoke size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.core.errors import InputError
from harness.core.spec.search_space import extent

if TYPE_CHECKING:
    from harness.core.spec.study_spec import StudySpec


def check_budget(spec: StudySpec) -> None:
    """Raise InputError unless every allowed trial trains at least a step between two reports."""
    per_step = most_per_step(spec)
    images, _ = _extent(spec, "images")
    if images // spec.search.reports < per_step:
        several = _extent(spec, "discriminator_steps")[1] > 1
        raise InputError(
            f"images {images:,} in {spec.search.reports:,} reports leave less than one "
            f"{'step' if several else 'batch'} of {per_step:,} between reports; "
            f"allowed: reports up to {images // per_step:,}"
        )


def most_per_step(spec: StudySpec) -> int:
    """The most training images of one step in any trial of the study."""
    if spec.arms:
        configs = spec.arms.configs(spec.base_config()).values()
        return max(config.images_per_step for config in configs)
    return _extent(spec, "batch_size")[1] * _extent(spec, "discriminator_steps")[1]


def smoke_fields(spec: StudySpec) -> dict[str, Any]:
    """The TrialConfig fields of a trial of seconds: narrow networks, twelve steps of training."""
    _, steps = _extent(spec, "discriminator_steps")
    return {"width": 0.125, "images": 768 * steps, "batch_size": 64}


def _extent(spec: StudySpec, name: str) -> tuple[int, int]:
    """The smallest and the largest value of a field of whole numbers in the trials of the study."""
    if spec.arms:
        configs = spec.arms.configs(spec.base_config()).values()
        values = [getattr(config, name) for config in configs]
        return min(values), max(values)
    low, high = extent(spec.space.get(name), getattr(spec.base_config(), name))
    return int(low), int(high)
