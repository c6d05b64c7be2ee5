"""The alarm stops what stays collapsed, and nothing that is young, recovering or at its end."""

from __future__ import annotations

import pytest

from harness.search.trial.collapse_stopping import CollapseAlarm


def _stopped_at(probabilities: list[float]) -> int | None:
    """The number of the report, from 1, at which a trial with this curve is stopped."""
    alarm = CollapseAlarm(images=100 * len(probabilities), level=0.5)
    for report, probability in enumerate(probabilities, start=1):
        if alarm.stays_up(100 * report, probability):
            return report
    return None


@pytest.mark.parametrize(
    ("curve", "report"),
    [
        ([1.0] * 9, 7),  # reports 5, 6 and 7 are the first three after half of nine
        ([0.1] * 4 + [0.9] * 5, 7),
        ([0.1] * 5 + [0.9, 0.9, 0.2, 0.9, 0.1, 0.1], None),  # never three in a row
        ([0.99] * 4 + [0.98, 0.97, 0.9, 0.6, 0.3], None),  # each report is better
        ([0.01] * 5 + [0.9, 1.0, 0.9, 0.8, 0.3, 0.1], None),  # healthy once, collapsed, recovering
        ([0.01] * 5 + [0.9, 1.0, 1.0, 1.0, 0.3, 0.1], 8),  # healthy once, and not recovering
        ([0.9] * 4 + [0.8, 0.85, 0.85, 0.9, 0.9], 7),  # better than in its first half is not enough
        ([0.99] * 4 + [0.9, 0.895, 0.89, 0.885, 0.1], 7),  # too little better
        ([0.1] * 7 + [0.9, 0.9, 0.9], None),  # the end is scored, not stopped
        ([0.9] * 6, None),  # six reports: of three after the first half, one is the end
        ([0.4] * 4 + [0.49] * 5, None),
        ([0.4] * 4 + [0.5] * 5, 7),  # the level itself is up
    ],
)
def test_when_a_trial_is_stopped(curve: list[float], report: int | None) -> None:
    assert _stopped_at(curve) == report
