"""What each plot shows, as numbers: its frame against values written down by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.core.registry import PLOTS
from harness.reporting.results.tables import StudyResults
from tests.support import reports as builder

RUNS = [
    builder.record(0, fid=[60.0, 30.0], g_loss=1.0, config={"optimizer": "sgd"}),
    builder.record(1, "pruned", fid=[90.0, 80.0], config={"learning_rate": 1e-3}),
    builder.record(2, "failed", fid=[70.0]),
    builder.record(3, fid=[50.0, 20.0], g_loss=2.0),
    builder.record(4, fid=[55.0, 25.0], g_loss=float("nan")),
]


def frame(name: str, results: StudyResults | None = None) -> pd.DataFrame:
    found = PLOTS.get(name).summarise(results or builder.results(RUNS))
    assert isinstance(found, pd.DataFrame)
    return found


def test_history_keeps_every_trial_and_the_best_completed_one_so_far() -> None:
    found = frame("optimisation_history")
    assert list(found["trial"]) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found["value"], [30.0, 80.0, np.nan, 20.0, 25.0])
    np.testing.assert_array_equal(found["best_so_far"], [30.0, 30.0, 30.0, 20.0, 20.0])
    assert set(found["untrained"]) == {400.0}


def test_history_goes_up_where_the_objective_is_to_maximize() -> None:
    runs = [builder.record(n, modes_captured=m) for n, m in enumerate((4.0, 9.0, 7.0))]
    spec = builder.spec(search={"maximize": "modes_captured"})
    found = frame("optimisation_history", builder.results(runs, spec))
    assert list(found["best_so_far"]) == [4.0, 9.0, 9.0]


def test_every_searched_field_has_a_panel_with_every_trial() -> None:
    found = frame("field_effect")
    assert list(found["panel"].drop_duplicates()) == list(builder.SPACE)
    assert (found.groupby("panel").size() == len(RUNS)).all()
    scales = found.groupby("panel")["scale"].first()
    assert scales.to_dict() == {
        "optimizer": "category",
        "learning_rate": "log",
        "leaky_slope": "linear",
        "pixel_scaling": "category",
    }


def test_choices_stand_at_their_position_in_the_study_file_tried_or_not() -> None:
    found = frame("field_effect").query("panel == 'optimizer'")
    assert list(found["position"]) == [2.0, 0.0, 0.0, 0.0, 0.0]  # adam, rmsprop, sgd, nadam
    assert found["choices"].iloc[0] == ("adam", "rmsprop", "sgd", "nadam")
    assert (found["low"].iloc[0], found["high"].iloc[0]) == (-0.5, 3.5)


def test_ranges_stand_at_their_value_over_the_whole_range() -> None:
    found = frame("field_effect").query("panel == 'learning_rate'")
    assert list(found["position"]) == [2e-4, 1e-3, 2e-4, 2e-4, 2e-4]
    assert (found["low"].iloc[0], found["high"].iloc[0]) == (1e-5, 1e-2)
    assert list(found["best"]) == [False, False, False, True, False]


def test_curves_are_the_logged_values_the_objective_first_without_those_not_finite() -> None:
    found = frame("learning_curves")
    assert list(found["panel"].drop_duplicates()) == ["fid", "g_loss"]
    best = found.query("panel == 'fid' and best")
    assert list(best["images_seen"]) == [50_000, 100_000]
    assert list(best["value"]) == [50.0, 20.0]
    assert list(found.query("panel == 'g_loss'")["trial"]) == [0, 3]


def test_states_show_how_far_each_trial_came() -> None:
    found = frame("states")
    assert list(found["images_seen"]) == [100_000, 30_000, 30_000, 100_000, 100_000]
    assert list(found["outcome"]) == ["complete", "pruned", "failed", "complete", "complete"]


def test_importance_has_no_rows_and_a_reason_below_ten_trials() -> None:
    assert frame("parameter_importance").empty
    caption = PLOTS.get("parameter_importance").caption(builder.results(RUNS))
    assert "it takes 10 completed trials; there are 3" in caption


@pytest.mark.parametrize("name", ["optimisation_history", "field_effect"])
def test_captions_count_the_failed_trials(name: str) -> None:
    caption = PLOTS.get(name).caption(builder.results(RUNS))
    assert "n = 3 completed, 1 pruned" in caption
    assert "At the upper edge, crosses: 1 failed." in caption


def test_the_caption_of_the_curves_gives_the_rank_correlation_of_the_losses() -> None:
    runs = [builder.record(n, fid=float(n), g_loss=-float(n)) for n in range(6)]
    caption = PLOTS.get("learning_curves").caption(builder.results(runs))
    assert "n = 6 completed trials: \N{MINUS SIGN}1.00 for g_loss" in caption
