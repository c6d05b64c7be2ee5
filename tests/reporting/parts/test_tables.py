"""The tables of scores by value: intervals, null level and what perfect looks like."""

from __future__ import annotations

import copy

from harness.reporting.parts.tables import Table, configuration, score_table
from harness.reporting.parts.trials.leaderboard import ROWS, leaderboard
from harness.reporting.parts.trials.sample_grid import Sample
from tests.support import reports as builder


def column(table: Table, name: str) -> list[object]:
    """The cells of one column."""
    return [row[table.columns.index(name)] for row in table.rows]


def test_the_interval_stands_with_the_debiased_fid_that_it_is_about() -> None:
    interval = {"fid_debiased": 11.5, "fid_low": 11.0, "fid_high": 12.25}
    runs = [
        builder.record(0, fid=12.5, **interval, kid=0.5, kid_low=0.25),
        builder.record(1, fid=20.0),
    ]
    table = leaderboard(builder.results(runs))
    assert table.columns[4:7] == ["fid", "fid_debiased", "kid"]
    assert table.rows[0][4:7] == ["12.50", "11.50 (11 to 12.25)", "0.5000"]
    assert table.rows[1][4:6] == ["20", "\N{EN DASH}"]
    assert table.note.startswith("n = 2 completed trials. fid_debiased: fid of the last report")
    assert "another seed gives are not in it" in table.note


def test_a_late_fid_stands_beside_its_spread_and_the_fid_of_the_images() -> None:
    runs = [builder.record(0, fid=12.5, fid_late=10.0, fid_late_spread=0.125)]
    study = builder.spec(search={"minimize": "fid_late"})
    table = leaderboard(builder.results(runs, study))
    assert table.columns[4:7] == ["fid_late", "fid_late_spread", "fid"]
    assert table.rows[0][4:7] == ["10", "0.1250", "12.50"]
    assert "fid_late_spread: standard deviation of log fid" in table.note


def test_the_winner_on_fresh_seeds_is_marked_at_its_rank_in_the_search() -> None:
    """Of ROWS + 2 trials the last in the search wins: it is the last row."""
    last = ROWS + 1
    runs = [builder.record(n, fid=1.0 + n) for n in range(ROWS + 2)]
    fresh = builder.arms_runs(**{"trial-000": [9.0, 9.1], f"trial-{last:03d}": [2.0, 2.1]})
    arms = builder.arms_spec(("trial-000", f"trial-{last:03d}"), name="demo-confirm")
    study = builder.spec(confirm={"top": 2, "seeds": 2})
    confirmed = builder.results(fresh, arms)
    nothing = builder.Grids(None, {})
    results = builder.results(runs, study, confirmation=confirmed, grids=nothing)
    table = leaderboard(results)
    assert column(table, "trial") == [*map(str, range(ROWS - 1)), str(last)]
    assert table.marked == ROWS - 1
    assert f"{ROWS} of n = {ROWS + 2} completed trials, by their score in the search" in table.note
    assert leaderboard(builder.results(runs, grids=nothing)).marked == 0
    assert configuration(results).columns[-1] == f"winner, trial {last}"


def test_every_row_has_images_and_the_start_of_its_runs_id() -> None:
    runs = [builder.record(0, fid=1.0), builder.record(1, fid=2.0)]
    grids = builder.Grids(None, {"run000": builder.png(1, 28)})
    table = leaderboard(builder.results(runs, grids=grids))
    first, second = column(table, "samples")
    assert isinstance(first, Sample)
    assert (first.width, first.height, first.alt) == (28, 28, "Images of trial 0")
    assert second == "\N{EN DASH}"
    assert column(table, "run") == ["run000", "run001"]


def test_without_recorded_intervals_nothing_is_said_of_them() -> None:
    table = leaderboard(builder.results([builder.record(0)]))
    assert column(table, "fid") == ["10"]
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
