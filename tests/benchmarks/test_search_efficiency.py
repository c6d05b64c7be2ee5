import math

import numpy as np
import pandas as pd
import pytest

from harness.outcomes.late import late_scores
from tests.benchmarks import search_efficiency
from tests.benchmarks.search_efficiency import PLAIN, Strategy
from tests.benchmarks.search_table import GRID, IMAGES, RATES, REPORTS, SearchTable


def table_of(fid, diverged=()):
    """``fid(point)`` at every report; points of which ``diverged(point)`` holds diverge halfway."""
    rows = []
    for point in GRID:
        at = IMAGES // 2 + 100 if diverged and diverged(point) else None
        shown = [seen for seen in REPORTS if at is None or seen < at]
        rows.append({**point, "fid": [fid(point)] * len(shown), "diverged_at": at})
    return SearchTable(rows)


POINT = {"optimizer": "adam", "pixel_scaling": "unit", "learning_rate": 1e-3, "leaky_slope": 0.2}


def test_between_points_log_fid_is_linear_in_log_rate_and_slope():
    table = table_of(lambda point: point["learning_rate"] * math.exp(point["leaky_slope"]))
    for rate, slope in ((RATES[0], 0.0), (3e-4, 0.1), (RATES[-1], 0.4)):
        course = table.course({**POINT, "learning_rate": rate, "leaky_slope": slope})
        np.testing.assert_allclose(course.fid, rate * math.exp(slope))
        assert course.diverged_at is None


def test_between_reports_log_fid_is_linear_in_log_images():
    rows = [{**p, "fid": [1e6 / seen for seen in REPORTS], "diverged_at": None} for p in GRID]
    course = SearchTable(rows).course(POINT)
    assert course.at(20_000) == pytest.approx(50.0)
    milestones = (12_000, 20_000, 24_000)
    late = late_scores([(seen, 1e6 / seen) for seen in milestones], IMAGES)["fid_late"]
    assert course.late(milestones) == pytest.approx(late)


def test_next_to_a_point_that_diverged_a_trial_diverges():
    table = table_of(lambda point: 1.0, lambda point: point["learning_rate"] == RATES[-1])
    assert table.course({**POINT, "learning_rate": 9e-3}).diverged_at == IMAGES // 2 + 100
    assert table.course({**POINT, "learning_rate": RATES[-2]}).diverged_at is None


def test_a_table_that_lacks_a_point_is_refused():
    with pytest.raises(ValueError, match=f"{len(GRID)} of {len(GRID)} configurations"):
        SearchTable([])


def test_whole_trials_use_their_images_and_diverged_ones_what_they_trained(monkeypatch):
    monkeypatch.setattr(search_efficiency, "FULL_TRIALS", 3)
    curve = search_efficiency.search(table_of(lambda point: 7.0), PLAIN, 0)
    assert list(curve["images"]) == [IMAGES, 2 * IMAGES, 3 * IMAGES]
    assert curve["true"].to_numpy() == pytest.approx(7.0)
    broken = table_of(lambda point: 7.0, lambda point: True)
    curve = search_efficiency.search(broken, PLAIN, 0)
    assert set(np.diff(curve["images"])) == {IMAGES // 2 + 100}
    assert curve["true"].isna().all()


def test_noise_chooses_but_does_not_judge(monkeypatch):
    """Of two levels far apart the lower one is held, and its value has no noise."""
    monkeypatch.setattr(search_efficiency, "FULL_TRIALS", 12)
    table = table_of(lambda point: 2.0 if point["optimizer"] == "adam" else 200.0)
    curve = search_efficiency.search(table, PLAIN, 1)
    assert curve["true"].iloc[-1] == pytest.approx(2.0)
    assert sorted(curve["true"], reverse=True) == list(curve["true"])


def test_a_pruner_saves_images_and_a_search_repeats(monkeypatch):
    monkeypatch.setattr(search_efficiency, "FULL_TRIALS", 12)
    table = table_of(lambda point: 2.0 if point["learning_rate"] > 1e-3 else 200.0)
    pruned = search_efficiency.search(table, Strategy("tpe", "hyperband", 9), 3)
    assert len(pruned) > 12
    again = search_efficiency.search(table, Strategy("tpe", "hyperband", 9), 3)
    pd.testing.assert_frame_equal(pruned, again)


def test_what_is_held_and_when_a_target_is_reached():
    curve = pd.DataFrame({"images": [10, 25, 40], "true": [math.nan, 3.0, 1.0]})
    assert search_efficiency.found_by(curve, [5, 10, 25, 39, 40]) == [math.inf, math.inf, 3, 3, 1]
    assert search_efficiency.images_until(curve, 3.0) == 25
    assert search_efficiency.images_until(curve, 0.5) == math.inf


def test_interval_of_a_median_by_order_statistics():
    """Ten values: the second and ninth, of which 97.9 % of intervals hold (P(X <= 1) = 11/1024)."""
    assert search_efficiency.median_interval(range(10)) == (1, 8)
    assert search_efficiency.median_interval([1.0, 2.0]) == (-math.inf, math.inf)


def test_summary_by_hand(monkeypatch):
    """Plain holds 2 after 12 trials' images in all; the other strategy reaches 2 in a third."""
    other = Strategy("tpe", "median", 5)

    def curve(share, trials=12):
        return pd.DataFrame({"images": [int(share * trials * IMAGES)], "true": [2.0]})

    monkeypatch.setattr(search_efficiency, "TRIALS_OF_TARGET", (12,))
    found = search_efficiency.summarise({PLAIN: [curve(1.0)] * 10, other: [curve(1 / 3)] * 10})
    assert list(found["target"]) == [2.0, 2.0]
    assert list(found["ratio"]) == pytest.approx([1.0, 1 / 3])
    assert list(found["images"]) == [12 * IMAGES, 4 * IMAGES]
