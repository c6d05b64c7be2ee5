"""The tables of scores by value: intervals, null level and what perfect looks like."""

from __future__ import annotations

import copy

from harness.reporting.parts.provenance import commands
from harness.reporting.parts.tables import configuration, leaderboard, score_table
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


def test_the_winner_on_fresh_seeds_is_marked_at_its_rank_in_the_search() -> None:
    """Of 12 trials the 12th in the search wins: it is the last of ten rows."""
    runs = [builder.record(n, fid=1.0 + n) for n in range(12)]
    fresh = builder.arms_runs(**{"trial-000": [9.0, 9.1], "trial-011": [2.0, 2.1]})
    arms = builder.arms_spec(("trial-000", "trial-011"), name="demo-confirm")
    study = builder.spec(confirm={"top": 2, "seeds": 2})
    results = builder.results(runs, study, confirmation=builder.results(fresh, arms))
    table = leaderboard(results)
    assert [row[1] for row in table.rows] == [*map(str, range(9)), "11"]
    assert table.marked == 9
    assert "10 of n = 12 completed trials, by their score in the search; the winner" in table.note
    assert leaderboard(builder.results(runs)).marked == 0
    assert configuration(results).columns[-1] == "winner, trial 11"
    assert dict(commands(results))["Train the winner, trial 11, again"].startswith("python -m har")


def test_without_recorded_intervals_nothing_is_said_of_them() -> None:
    table = leaderboard(builder.results([builder.record(0)]))
    assert [row[2] for row in table.rows] == ["10"]
    assert table.note == "n = 1 completed trial"


def test_the_table_of_scores_says_what_perfect_is() -> None:
    table = score_table(builder.results([builder.record(0, modes_captured=9.0)]))
    assert table.columns[:4] == ["score", "winner, trial 0", "untrained", "perfect"]
    assert table.rows[0][:4] == ["fid", "10", "400", "0.7500"]
    assert table.rows[1][3] == "\N{EN DASH}"
    assert all(len(row) == len(table.columns) == len(table.numeric) for row in table.rows)
    assert "1,257 real images in place of generated ones, from the training split" in table.note
    assert "fid reads 0.5 on average for a generator without any error" in table.note
    evaluation = {**builder.EVALUATION, "fid_interval": "none: 540 are too few"}
    table = score_table(builder.results([builder.record(0)], evaluation=evaluation))
    assert table.note.endswith("Interval of fid: none: 540 are too few.")


def test_the_table_of_scores_says_where_a_score_is_better() -> None:
    evaluation = copy.deepcopy(builder.EVALUATION)
    names = list(evaluation["metrics"])
    evaluation["metrics"][names[1]]["target"] = 1.0
    table = score_table(builder.results([builder.record(0)], evaluation=evaluation))
    assert [row[4] for row in table.rows[:2]] == ["lower", "near 1"]


def test_a_study_recorded_before_there_was_a_scale_has_no_note() -> None:
    evaluation = copy.deepcopy(builder.EVALUATION)
    del evaluation["num_perfect_samples"], evaluation["metrics"]["fid"]["null_level"]
    table = score_table(builder.results([builder.record(0)], evaluation=evaluation))
    assert table.note == ""
    assert score_table(builder.results([], evaluation={})).rows == []
