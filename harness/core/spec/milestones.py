"""The images_seen at which a trial is scored, and which of these reports are its late ones."""

from __future__ import annotations

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
