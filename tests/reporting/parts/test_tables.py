"""The tables of scores by value: intervals, null level and what perfect looks like."""

from __future__ import annotations

import copy

from harness.reporting.parts.tables import leaderboard, score_table
from tests.support import reports as builder


def test_the_interval_stands_with_the_debiased_fid_that_it_is_about() -> None:
    interval = {"fid_debiased": 11.5, "fid_low": 11.0, "fid_high": 12.25}
    runs = [
        builder.record(0, fid=12.5, **interval, kid=0.5, kid_low=0.25),
        builder.record(1, fid=20.0),
    ]
    table = leaderboard(builder.results(runs))
    assert table.columns[2:5] == ["fid", "fid_debiased", "kid"]
    assert table.rows[0][2:5] == ["12.50", "11.50 (11 to 12.25)", "0.5000"]
    assert table.rows[1][2:4] == ["20", "\N{EN DASH}"]
    assert table.note.startswith("n = 2 completed trials. fid_debiased: fid of the last report")
    assert "another seed gives are not in it" in table.note


def test_a_late_fid_stands_beside_its_spread_and_the_fid_of_the_images() -> None:
    runs = [builder.record(0, fid=12.5, fid_late=10.0, fid_late_spread=0.125)]
    study = builder.spec(search={"minimize": "fid_late"})
    table = leaderboard(builder.results(runs, study))
    assert table.columns[2:5] == ["fid_late", "fid_late_spread", "fid"]
    assert table.rows[0][2:5] == ["10", "0.1250", "12.50"]
    assert "images are those of the last report alone" in table.note
    assert "standard deviation of log fid over these reports" in table.note


def test_without_recorded_intervals_nothing_is_said_of_them() -> None:
    table = leaderboard(builder.results([builder.record(0)]))
    assert [row[2] for row in table.rows] == ["10"]
    assert table.note == "n = 1 completed trial"


def test_the_table_of_scores_says_what_perfect_is() -> None:
    table = score_table(builder.results([builder.record(0, modes_captured=9.0)]))
    assert table.columns[:4] == ["score", "best trial", "untrained", "perfect"]
    assert table.rows[0][:4] == ["fid", "10", "400", "0.7500"]
    assert table.rows[1][3] == "\N{EN DASH}"
    assert all(len(row) == len(table.columns) == len(table.numeric) for row in table.rows)
    assert "1,257 real images in place of generated ones, from the training split" in table.note
    assert "fid reads 0.5 on average for a generator without any error" in table.note
    evaluation = {**builder.EVALUATION, "fid_interval": "none: 540 are too few"}
    table = score_table(builder.results([builder.record(0)], evaluation=evaluation))
    assert table.note.endswith("Interval of fid: none: 540 are too few.")


def test_a_study_recorded_before_there_was_a_scale_has_no_note() -> None:
    evaluation = copy.deepcopy(builder.EVALUATION)
    del evaluation["num_perfect_samples"], evaluation["metrics"]["fid"]["null_level"]
    table = score_table(builder.results([builder.record(0)], evaluation=evaluation))
    assert table.note == ""
    assert score_table(builder.results([], evaluation={})).rows == []
