"""The outcome of a run: its number, or none."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from harness.reporting.results.outcomes import collapse_level, outcome_table
from tests.support import reports as builder


def with_history(run: builder.RunRecord, **curves: list[tuple[int, float]]) -> builder.RunRecord:
    return dataclasses.replace(run, history={**run.history, **curves})


def test_final_metrics_of_completed_runs_alone() -> None:
    runs = builder.arms_runs(a=[3.0, builder.FAILED], b=[4.0, float("inf")])
    table = outcome_table(builder.results(runs, builder.arms_spec(("a", "b"))), "fid")
    assert list(table["arm"]) == ["a", "a", "b", "b"]
    assert list(table["seed"]) == [0, 1, 0, 1]
    assert list(table["ended"]) == ["complete", "failed", "complete", "complete"]
    np.testing.assert_array_equal(table["value"], [3.0, np.nan, 4.0, np.nan])
    missing = outcome_table(builder.results(runs, builder.arms_spec(("a", "b"))), "kid")
    assert missing["value"].isna().all()


def test_a_repeated_run_stands_for_the_interrupted_one() -> None:
    runs = [
        builder.record(0, "interrupted", tags={"arm": "a"}),
        builder.record(1, fid=7.0, tags={"arm": "a", "retry_of": "0"}),
    ]
    table = outcome_table(builder.results(runs, builder.arms_spec(("a",))), "fid")
    assert list(table["number"]) == [1]
    searched = outcome_table(builder.results(runs, builder.spec()), "fid")
    assert list(searched["number"]) == [0, 1]


def test_imbalance_is_the_mean_distance_of_the_accuracy_from_a_half() -> None:
    run = with_history(
        builder.record(0, tags={"arm": "a"}),
        d_real_accuracy=[(50, 1.0), (100, 0.6)],
        d_fake_accuracy=[(50, 1.0), (100, 0.2)],
    )
    table = outcome_table(builder.results([run], builder.arms_spec(("a",))), "imbalance")
    # |1 - 1/2| = 0.5 and |0.4 - 1/2| = 0.1.
    assert table["value"][0] == pytest.approx(0.3)


@pytest.mark.parametrize(("last", "expected"), [(4.0, 8.0), (0.0, math.nan), (math.nan, 16.0)])
def test_fid_course_is_the_geometric_mean_of_the_reports(last: float, expected: float) -> None:
    run = with_history(builder.record(0, tags={"arm": "a"}), fid=[(50, 16.0), (100, last)])
    table = outcome_table(builder.results([run], builder.arms_spec(("a",))), "fid_course")
    assert table["value"][0] == pytest.approx(expected, nan_ok=True)


def test_reports_that_lie_closer_count_for_less() -> None:
    """By the images since the report before: 50, 25 and 25 of 100."""
    run = with_history(
        builder.record(0, tags={"arm": "a"}),
        fid=[(50, 16.0), (75, 4.0), (100, 1.0)],
        d_real_accuracy=[(50, 1.0), (75, 0.5), (100, 0.7)],
        d_fake_accuracy=[(50, 1.0), (75, 0.5), (100, 0.7)],
    )
    study = builder.results([run], builder.arms_spec(("a",)))
    # 2^(4/2 + 2/4 + 0/4) = 2^2.5, and 0.5/2 + 0/4 + 0.2/4 = 0.3.
    assert outcome_table(study, "fid_course")["value"][0] == pytest.approx(2**2.5)
    assert outcome_table(study, "imbalance")["value"][0] == pytest.approx(0.3)


def test_the_alarm_level_is_the_recorded_one() -> None:
    metrics = {"collapse_probability": {"alarm_level": 0.5}}
    assert collapse_level(builder.results([], evaluation={"metrics": metrics})) == 0.5
    assert collapse_level(builder.results([])) is None
