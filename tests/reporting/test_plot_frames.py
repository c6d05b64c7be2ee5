"""What each plot shows, as numbers: its frame against values written down by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.core.registry import PLOTS
from harness.reporting.parts.figures import HALF, draw_figure
from harness.reporting.plots import Plot, field_effect
from harness.reporting.plots.fidelity_diversity import pareto_front
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.ranking import within_run_correlations
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


def test_importance_has_no_rows_and_a_reason_below_four_trials() -> None:
    assert frame("parameter_importance").empty
    caption = PLOTS.get("parameter_importance").caption(builder.results(RUNS))
    assert "it takes 4 completed trials; there are 3" in caption


def test_importance_of_few_trials_has_wide_intervals_and_says_how_weak_it_is() -> None:
    runs = [
        builder.record(n, fid=10.0 + n, config={"optimizer": "adam" if n < 3 else "sgd"})
        for n in range(6)
    ]
    results = builder.results(runs)
    found = frame("parameter_importance", results)
    assert found["share"].sum() == pytest.approx(1)
    assert found["field"].iloc[0] == "optimizer"  # the only one that varies
    assert ((found["low"] <= found["share"]) & (found["share"] <= found["high"])).all()
    caption = PLOTS.get("parameter_importance").caption(results)
    assert "among the best 3 of n = 6" in caption
    assert "This is weak evidence" in caption


@pytest.mark.parametrize("name", ["optimisation_history", "field_effect"])
def test_captions_count_the_failed_trials(name: str) -> None:
    caption = PLOTS.get(name).caption(builder.results(RUNS))
    assert "n = 3 completed, 1 pruned" in caption
    assert "At the upper edge, crosses: 1 failed." in caption


def test_the_caption_of_the_curves_gives_the_rank_correlation_of_the_losses() -> None:
    runs = [builder.record(n, fid=float(n), g_loss=-float(n)) for n in range(6)]
    caption = PLOTS.get("learning_curves").caption(builder.results(runs))
    assert "n = 6 completed trials: \N{MINUS SIGN}1.00 for g_loss" in caption


def _curves(number: int, **curves: list[float]) -> builder.RunRecord:
    """A completed trial with these values at equal distances up to 100,000 images."""
    run = builder.record(number, fid=None)
    steps = {
        name: [round(100_000 * k / len(values)) for k in range(1, len(values) + 1)]
        for name, values in curves.items()
    }
    history = {name: list(zip(steps[name], curves[name], strict=True)) for name in curves}
    return builder.RunRecord(**{**run.__dict__, "history": history})


def test_groups_of_a_range_have_equally_many_trials_and_stand_at_their_median() -> None:
    runs = [builder.record(n, fid=1.0 + n, config={"leaky_slope": 0.04 * n}) for n in range(9)]
    found = frame("field_effect", builder.results(runs)).query("panel == 'leaky_slope'")
    assert found["group"].value_counts().to_dict() == pytest.approx({0.08: 5, 0.26: 4})


def test_a_mean_is_geometric_above_zero_and_its_interval_holds_it() -> None:
    values = [1.0, 10.0, 100.0]
    assert field_effect.centre(values) == pytest.approx(10.0)
    assert field_effect.centre([-1.0, 4.0]) == 1.5
    low, high = field_effect.interval(values)
    assert low * high == pytest.approx(100.0)  # symmetric about 10 in the logarithm
    # Student's t of 3 numbers, 4.303 standard errors, is the least that the interval reaches
    assert np.log10(high) >= 1 + 4.30 / np.sqrt(3)
    assert field_effect.interval([3.0, 5.0]) == (field_effect.centre([3.0, 5.0]),) * 2


@pytest.mark.parametrize("fids", [(2.0, 30.0, 400.0), (200.0, 300.0, 400.0)], ids=["log", "linear"])
def test_the_mean_and_its_interval_are_drawn_where_they_are_on_any_axis(fids: tuple[float, ...]):
    """All trials have one choice of optimizer, and four of each half of the slopes."""
    runs = [
        builder.record(n, fid=fid, config={"leaky_slope": 0.04 * n})
        for n, fid in enumerate(np.resize(fids, 8))
    ]
    plot, found = PLOTS.get("field_effect"), frame("field_effect", builder.results(runs))
    of_choice = _drawn(plot, found.query("panel == 'optimizer'"))
    values = np.resize(fids, 8)
    mean, ends = field_effect.centre(values), field_effect.interval(values)
    assert any(line == pytest.approx([mean]) for line in of_choice)
    assert any(line == pytest.approx(ends) for line in of_choice)
    means = [field_effect.centre(half) for half in (values[:4], values[4:])]
    assert any(
        line == pytest.approx(means) for line in _drawn(plot, found.query("panel == 'leaky_slope'"))
    )


def _drawn(plot: Plot, panel: pd.DataFrame) -> list[list[float]]:
    """The heights of each line that is drawn of a panel."""
    figure = draw_figure(plot, panel.reset_index(drop=True), HALF, "light")
    return [[float(y) for y in line.get_ydata()] for line in figure.axes[0].lines]


def test_pairs_of_fields_begin_with_those_that_depend_on_each_other() -> None:
    found = frame("field_pairs")
    assert list(found["panel"].drop_duplicates())[:2] == [
        "learning_rate x optimizer",
        "leaky_slope x pixel_scaling",
    ]
    assert found["panel"].nunique() == 6
    first = found[found["panel"] == "learning_rate x optimizer"]
    assert list(first["x"]) == [2e-4, 1e-3, 2e-4, 2e-4, 2e-4]
    assert list(first["y"]) == [2.0, 0.0, 0.0, 0.0, 0.0]
    np.testing.assert_array_equal(first["goodness"], [0.0, np.nan, np.nan, 1.0, 0.5])


def test_the_alternative_of_a_pair_says_where_the_best_trials_lie() -> None:
    runs = [
        builder.record(n, fid=1.0 + n, config={"optimizer": o, "learning_rate": 1e-4 * (n + 1)})
        for n, o in enumerate(["sgd", "sgd", "adam", "adam", "adam"])
    ]
    plot = PLOTS.get("field_pairs")
    found = frame("field_pairs", builder.results(runs))
    part = found[found["panel"] == "learning_rate x optimizer"]
    assert plot.finding(part) == (
        "The best 2 trials have learning_rate 1e-4 to 2e-4 and optimizer sgd"
    )


def test_a_line_through_all_fields_ends_at_the_rank_of_the_trial() -> None:
    found = frame("parallel_coordinates")
    trial = found[found["trial"] == 0].sort_values("axis")
    assert list(trial["name"]) == [*builder.SPACE, "fid"]
    expected = [2 / 3, (np.log10(2e-4) + 5) / 3, 0.5, 0.0, 0.0]  # 2e-4 in 1e-5 to 1e-2
    np.testing.assert_allclose(trial["position"].astype(float), expected)
    assert set(found["trial"]) == {0, 3, 4}


def test_the_objective_is_drawn_over_seconds_as_well() -> None:
    run = builder.record(0, fid=[30.0, 20.0], train_seconds=50.0)
    found = frame("learning_curves", builder.results([run]))
    timed = found[found["panel"] == "fid over time"]
    assert list(timed["x"]) == [25.0, 50.0]
    assert list(timed["value"]) == [30.0, 20.0]
    assert set(found["perfect"].dropna()) == {0.75}


def test_the_winner_and_the_best_others_are_named_at_their_curves() -> None:
    labels = frame("learning_curves").drop_duplicates("trial").set_index("trial")["label"]
    assert labels.to_dict() == {0: "trial 0", 1: "", 2: "", 3: "trial 3", 4: "trial 4"}


def test_correlations_within_runs_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    curves = [{"fid": [*rng.random(8)], "g_loss": [*rng.random(8)]} for _ in range(4)]
    short = {"fid": [3.0, 2.0], "g_loss": [1.0, 2.0]}  # too few reports to be ranked
    runs = [
        _curves(n, **{k: list(v) for k, v in c.items()}) for n, c in enumerate([*curves, short])
    ]
    found = within_run_correlations(builder.results(runs))
    assert list(found) == ["g_loss"]
    expected = [stats.spearmanr(one["fid"], one["g_loss"]).statistic for one in curves]
    np.testing.assert_allclose(found["g_loss"], expected)


def test_losses_stand_beside_the_fid_of_the_same_report() -> None:
    runs = [_curves(0, fid=[3.0, 2.0], g_loss=[1.0, 1.5]), _curves(1, fid=[4.0], d_loss=[0.5, 0.6])]
    found = frame("losses_within_runs", builder.results(runs))
    rows = found[["panel", "trial", "images_seen", "loss", "fid"]].to_numpy().tolist()
    assert rows == [
        ["g_loss", 0, 50_000, 1.0, 3.0],
        ["g_loss", 0, 100_000, 1.5, 2.0],
        ["d_loss", 1, 100_000, 0.6, 4.0],
    ]


def test_the_balance_says_where_the_discriminator_ends() -> None:
    runs = [
        _curves(n, fid=[9.0], d_real_accuracy=[0.5, end], d_fake_accuracy=[0.5, end])
        for n, end in enumerate((0.6, 0.7, 0.9))
    ]
    results = builder.results(runs)
    assert set(frame("network_balance", results)["panel"]) == {"d_real_accuracy", "d_fake_accuracy"}
    caption = PLOTS.get("network_balance").caption(results)
    assert "n = 3 trials" in caption
    assert caption.endswith("0.7 in the median trial, from 0.6 to 0.9.")


def test_the_front_has_every_trial_that_no_other_beats() -> None:
    """By the definition, over all pairs; equal trials stand or fall together."""
    rng = np.random.default_rng(1)
    points = pd.DataFrame({"one": rng.integers(0, 6, 40), "other": rng.integers(0, 6, 40)})
    found = pareto_front(points["one"], points["other"])
    values = points.to_numpy()
    at_least = (values[:, None] >= values[None]).all(axis=2)
    better = (values[:, None] > values[None]).any(axis=2)
    np.testing.assert_array_equal(found, ~(at_least & better).any(axis=0))


def test_every_score_is_placed_between_untrained_and_real() -> None:
    runs = [
        builder.record(0, fid=300.1875, modes_captured=9.0)
    ]  # a quarter of the way from 400 to 0.75
    found = frame("score_scale", builder.results(runs))
    assert list(found["score"]) == ["fid"]  # what real images capture was not recorded
    assert found["position"].iloc[0] == pytest.approx(0.25)
    finding = PLOTS.get("score_scale").finding(found)
    assert finding == "The winner, trial 0: fid 0.25"


def test_a_score_that_real_images_read_worse_has_no_way() -> None:
    record = {"direction": "minimize", "perfect": 0.9}  # copies of training images are copies
    evaluation = {"metrics": {**builder.EVALUATION["metrics"], "memorized_fraction": record}}
    runs = [builder.record(0, fid=10.0, memorized_fraction=0.1)]
    untrained = {"fid": 400.0, "memorized_fraction": 0.0}
    results = builder.results(runs, evaluation=evaluation, untrained=untrained)
    assert list(frame("score_scale", results)["score"]) == ["fid"]


def test_the_interval_of_many_trials_is_students_t() -> None:
    values = np.random.default_rng(3).normal(-5.0, 1.0, 60)  # below 0: their mean, no logarithm
    expected = stats.t.interval(0.95, 59, values.mean(), stats.sem(values))
    np.testing.assert_allclose(field_effect.interval(values), expected)
