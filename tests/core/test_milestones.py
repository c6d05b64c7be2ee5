"""When a trial is scored: at equal distances, and more often in its last quarter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.spec.milestones import (
    LATE_REPORTS,
    even_milestones,
    is_recent,
    milestones_with_late_ones,
)


def late(milestones: list[int], images: int) -> list[int]:
    return [seen for seen in milestones if is_recent(seen, images, images)]


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        # Quarters of 48,000 are 12,000; the last one, cut in four, is the only one with reports.
        (4, [12_000, 24_000, 36_000, 39_000, 42_000, 45_000, 48_000]),
        # Fifths; two parts of 4,800 make three reports beyond 36,000, three parts make four.
        (5, [9_600, 19_200, 28_800, 38_400, 41_600, 44_800, 48_000]),
        # Of 16 at equal distances, four lie beyond 36,000 already.
        (16, [3_000 * k for k in range(1, 17)]),
        (3, [16_000, 32_000, 48_000]),
        (1, [48_000]),
    ],
)
def test_at_least_four_reports_in_the_last_quarter(reports: int, expected: list[int]):
    assert milestones_with_late_ones(48_000, reports, 64) == expected


@pytest.mark.parametrize(
    ("batch_size", "expected"),
    [
        # Four equal distances of 250: three parts leave 83 images, two leave 125, one 250.
        (62, [250, 500, 750, 812, 875, 938, 1_000]),
        (83, [250, 500, 750, 833, 917, 1_000]),
        (84, [250, 500, 750, 875, 1_000]),
        (126, [250, 500, 750, 1_000]),
    ],
)
def test_a_batch_at_least_is_trained_between_two_reports(batch_size: int, expected: list[int]):
    assert milestones_with_late_ones(1_000, 4, batch_size) == expected


@given(st.integers(100, 10**9), st.integers(1, 60), st.integers(2, 2_000))
def test_the_even_ones_stay_and_those_between_are_late(images: int, reports: int, batch: int):
    if images // reports < batch:
        return
    even = even_milestones(images, reports)
    found = milestones_with_late_ones(images, reports, batch)
    assert set(even) <= set(found)
    assert found == sorted(set(found))
    assert set(found) - set(even) <= set(late(found, images))
    steps = [b - a for a, b in zip([0, *found], found, strict=False)]
    assert min(steps) >= batch - 1  # rounded at both ends
    if reports >= LATE_REPORTS and images // (reports * batch) >= LATE_REPORTS:
        # Four parts of each distance, of at most a quarter each, are enough for any number.
        assert LATE_REPORTS <= len(late(found, images)) <= max(2 * LATE_REPORTS, reports)


def test_the_quarter_that_ends_now():
    assert is_recent(751, 1_000, 1_000)
    assert not is_recent(750, 1_000, 1_000)
    assert is_recent(300, 500, 1_000)
    assert not is_recent(250, 500, 1_000)
