"""How much a trial trains: the images_seen at which it is scored, late reports, the smoke size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.core.errors import InputError
from harness.core.spec.search_space import Choices, Range

if TYPE_CHECKING:
    from harness.core.spec.study_spec import StudySpec

LATE_REPORTS = 4
"""The fewest reports in the last quarter of a budget that a late outcome is averaged over."""


def even_milestones(images: int, reports: int) -> list[int]:
    """``reports`` milestones at equal distances; the last is ``images``."""
    return [round(images * k / reports) for k in range(1, reports + 1)]


def milestones_with_late_ones(images: int, reports: int, per_step: int) -> list[int]:
    """The even milestones, and as many between those of the last quarter as make LATE_REPORTS.

    Every distance in the last quarter is divided into the same number of parts, the fewest that
    suffice. Fewer, or none, are added where less than a step would be trained between two reports.
    Fewer than LATE_REPORTS ``reports`` stay as they are: so few are asked for, so few are made.
    """
    even = even_milestones(images, reports)
    if reports < LATE_REPORTS:
        return even
    found = even
    for parts in range(2, images // (reports * per_step) + 1):
        if len(late(found, images)) >= LATE_REPORTS:
            break
        fine = even_milestones(images, reports * parts)
        found = sorted({*even, *late(fine, images)})
    return found


def late(milestones: list[int], images: int) -> list[int]:
    """Those of the ``milestones`` in the last quarter of a budget of ``images``."""
    return [seen for seen in milestones if is_recent(seen, images, images)]


def is_recent(seen: int, now: int, images: int) -> bool:
    """Whether a report at ``seen`` lies in the quarter of the budget ``images`` that ends now."""
    return 4 * (now - seen) < images


def check_budget(spec: StudySpec) -> None:
    """Raise InputError unless every allowed trial trains at least a step between two reports.

    And unless every batch is whole packs.
    """
    sizes = [_values(spec, "batch_size"), _values(spec, "packing")]
    for batch_size, packing in itertools.product(*sizes):
        if not spec.arms and batch_size % packing:  # arms are checked one by one
            raise InputError(f"batch_size {batch_size:,} is no multiple of packing {packing}")
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
    packs = math.lcm(*_values(spec, "packing"))
    batch_size = packs * max(1, 64 // packs)
    return {"width": 0.125, "images": 12 * batch_size * steps, "batch_size": batch_size}


def _extent(spec: StudySpec, name: str) -> tuple[int, int]:
    """The smallest and the largest value of a field of whole numbers in the trials of the study."""
    values = _values(spec, name)
    return min(values), max(values)


def _values(spec: StudySpec, name: str) -> Sequence[int]:
    """All values that a field of whole numbers may have in a trial of the study."""
    base, domain = spec.base_config(), spec.space.get(name)
    if spec.arms:
        return [getattr(config, name) for config in spec.arms.configs(base).values()]
    if isinstance(domain, Choices):
        return [int(value) for value in domain.values]
    if isinstance(domain, Range):
        return range(int(domain.low), int(domain.high) + 1)
    return [getattr(base, name)]
