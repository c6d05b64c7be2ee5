"""Trials that the alarm names are marked, in the leaderboard and in the table of all."""

from __future__ import annotations

from harness.reporting.parts.tables import all_trials
from harness.reporting.parts.trials.leaderboard import MARKS, leaderboard
from harness.reporting.results.tables import StudyResults
from tests.support import reports as builder

RECORD = {"direction": "minimize", "low": 0.0, "high": 1.0, "alarm_level": 0.5}
RECORDED = {"metrics": {**builder.EVALUATION["metrics"], "collapse_probability": RECORD}}


def _results(**changes: object) -> StudyResults:
    runs = [
        builder.record(0, fid=10.0, collapse_probability=0.49),
        builder.record(1, fid=20.0, collapse_probability=0.5),
        builder.record(
            2, "pruned", fid=90.0, tags={"pruned_by": "collapse"}, collapse_probability=0.99
        ),
        builder.record(3, fid=30.0),
        builder.record(4, fid=40.0, collapse_probability=0.1, poor_probability=0.8),
    ]
    return builder.results(runs, **{"evaluation": RECORDED, **changes})


def test_collapsed_trials_are_marked_in_the_leaderboard() -> None:
    table = leaderboard(_results())
    collapsed, poor = MARKS.values()
    assert [row[1] for row in table.rows] == ["0", f"1{collapsed}", "3", f"4{poor}"]
    assert f"{collapsed.strip()} = collapsed, says the alarm" in table.note
    assert f"{poor.strip()} = poor: classes not readable, says the alarm" in table.note
    assert "collapse_probability" in table.columns


def test_the_table_of_all_trials_says_why_and_how_sure() -> None:
    reasons = [row[2] for row in all_trials(_results()).rows]
    assert reasons == [
        "",
        "collapsed (collapse_probability 0.50)",
        "by collapse; collapsed (collapse_probability 0.99)",
        "",
        "poor: classes not readable (poor_probability 0.80)",
    ]


def test_without_a_recorded_level_nothing_is_marked() -> None:
    table = leaderboard(_results(evaluation=builder.EVALUATION))
    assert [row[1] for row in table.rows] == ["0", "1", "3", "4"]
    assert "alarm" not in table.note
