"""``fid_late``: the mean level of a trial's last reports, and their spread."""

from __future__ import annotations

import math

import pytest

from harness.outcomes.late import late_record, late_scores


def test_the_geometric_mean_of_the_last_quarter_and_its_spread():
    """The reports at 76 to 100 of 100: 2, 8, 4, 4 have the geometric mean 256^(1/4) = 4."""
    course = [(25, 99.0), (50, 60.0), (75, 50.0), (82, 2.0), (88, 8.0), (94, 4.0), (100, 4.0)]
    found = late_scores(course, 100)
    assert found["fid_late"] == pytest.approx(4.0, rel=1e-12)
    # log 2 from the mean twice, once below and once above; divisor 3.
    assert found["fid_late_spread"] == pytest.approx(math.sqrt(2 / 3) * math.log(2), rel=1e-12)


def test_during_training_it_is_about_the_quarter_of_the_budget_that_ends_now():
    course = [(10, 64.0), (30, 32.0), (50, 2.0)]
    # Of 100 images, 50 looks back to 26: 32 and 2, whose geometric mean is 8.
    assert late_scores(course, 100)["fid_late"] == pytest.approx(8.0, rel=1e-12)
    # Of 80 images it looks back to 31.
    assert late_scores(course, 80) == {"fid_late": 2.0}


@pytest.mark.parametrize("fid", [3.0, 0.1, 0.0])
def test_a_single_report_is_its_own_mean_and_has_no_spread(fid: float):
    assert late_scores([(50, 7.0), (100, fid)], 100) == {"fid_late": fid}


def test_a_fid_of_zero_makes_the_mean_zero():
    assert late_scores([(90, 0.0), (100, 4.0)], 100) == {"fid_late": 0.0}


def test_its_record_has_the_range_of_fid_and_says_that_it_is_a_mean():
    fid = {"direction": "minimize", "low": 0.0, "unit": "u", "summary": "s", "null_level": 0.5}
    record = late_record(fid)
    assert {**record, "summary": "s"} == {**fid, "source": "this project"}
    assert record["summary"].startswith("Geometric mean of fid over the reports")
