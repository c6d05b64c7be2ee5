"""Kinds of tests, and outcomes from curves: by hand, and by scipy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.core.registry import TEST_KINDS
from harness.core.spec.claims import KINDS, ClaimTest
from harness.reporting.results.outcomes import outcome_table
from harness.reporting.results.tables import RunRecord, StudyResults
from harness.reporting.statistics.estimates import SizeOfMean
from harness.reporting.statistics.hypotheses import formulate
from tests.support import reports as builder


def with_curves(run: RunRecord, **curves: list[float]) -> RunRecord:
    """The run with these metrics, at equal distances up to its 100,000 images."""
    history = {
        name: [(round(100_000 * k / len(v)), value) for k, value in enumerate(v, 1)]
        for name, v in curves.items()
    }
    return replace(run, history={**run.history, **history})


def results_of(runs: list[RunRecord], **test: Any) -> tuple[ClaimTest, StudyResults]:
    spec = builder.arms_spec(tests=[test])
    assert spec.claim is not None
    return spec.claim.tests[0], builder.results(runs, spec)


def test_every_kind_that_can_be_declared_is_a_file() -> None:
    assert set(TEST_KINDS.names()) == set(KINDS)


def test_within_run_is_the_mean_of_the_runs_own_rank_correlations() -> None:
    rng = np.random.default_rng(0)
    runs, rhos = [], []
    for run in builder.arms_runs(centered=[10.0] * 5, unit=[10.0] * 5):
        fid, loss = rng.gamma(3, 3, 12).tolist(), rng.normal(size=12).tolist()
        runs.append(with_curves(run, fid=fid, d_loss=loss))
        if run.tags["arm"] == "centered":
            rhos.append(stats.spearmanr(loss, fid).statistic)
    test, results = results_of(
        runs,
        kind="within_run",
        outcome="fid",
        predictor="d_loss",
        arm="centered",
        smallest_effect=0.5,
    )
    found = formulate(test, results)
    assert found.estimate is not None
    assert (found.units, found.runs) == ("seed", 5)
    assert found.estimate.effect == pytest.approx(abs(np.mean(rhos)))
    below = stats.ttest_1samp(rhos, 0.5, alternative="less").pvalue
    above = stats.ttest_1samp(rhos, -0.5, alternative="greater").pvalue
    assert found.estimate.below(0.5) == pytest.approx(max(below, above))
    assert formulate(test, results, 3).runs == 3


def test_a_run_with_fewer_than_twelve_reports_has_no_correlation_within() -> None:
    runs = [
        with_curves(run, fid=list(range(1, 12)), d_loss=list(range(11)))
        for run in builder.arms_runs(centered=[10.0] * 3)
    ]
    test, results = results_of(
        runs,
        kind="within_run",
        outcome="fid",
        predictor="d_loss",
        arm="centered",
        smallest_effect=0.5,
    )
    found = formulate(test, results)
    assert found.lost == ("3 runs without it",)
    assert found.reason == "no run to judge by"


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_size_of_a_mean_agrees_with_scipy(sign: float) -> None:
    values = sign * np.random.default_rng(1).normal(0.6, 0.2, 9)
    estimate = SizeOfMean(values)
    assert estimate.effect == pytest.approx(abs(values.mean()))
    low, high = stats.t.interval(0.95, 8, abs(values.mean()), stats.sem(values))
    assert estimate.interval(0.05) == pytest.approx((low, high))
    above = stats.ttest_1samp(sign * values, 0.5, alternative="greater").pvalue
    assert estimate.above(0.5) == pytest.approx(above)
    assert SizeOfMean(values - values.mean()).interval(0.05)[0] == 0.0


def test_a_correlation_over_the_seeds_of_one_arm_leaves_the_others_out() -> None:
    fids = [12.0, 9.0, 11.0, 10.0, 8.0]
    losses = [1.0, 3.0, 2.0, 5.0, 4.0]
    runs = [
        with_curves(run, g_loss=[losses[k % 5]])
        for k, run in enumerate(builder.arms_runs(centered=fids, unit=losses))
    ]
    test, results = results_of(
        runs,
        kind="weak_correlation",
        outcome="fid",
        predictor="g_loss",
        arm="centered",
        smallest_effect=0.5,
    )
    found = formulate(test, results)
    assert (found.units, found.runs) == ("seed", 5)
    assert found.estimate is not None
    # Ranks 5 2 4 3 1 and 1 3 2 5 4: differences 4 1 2 2 3, 1 - 6 * 34 / (5 * 24) = -0.7.
    assert found.estimate.effect == pytest.approx(0.7)


def test_separation_leaves_unreadable_images_out() -> None:
    modes, distance = [10.0, 10.0, 7.0, 8.0, 3.0], [0.9, 0.8, 0.3, 0.85, 0.95]
    precision = [0.9, 0.8, 0.7, 0.6, 0.1]  # the last one is unreadable, and far from collapse
    runs = [
        builder.record(k, modes_captured=m, pairwise_distance_ratio=d, precision=p)
        for k, (m, d, p) in enumerate(zip(modes, distance, precision, strict=True))
    ]
    claim = {"id": "C9", "source": "S", "text": "Similarity"}
    test = {
        "kind": "separation",
        "outcome": "modes_captured",
        "predictor": "pairwise_distance_ratio",
        "threshold": 10,
        "smallest_effect": 0.8,
    }
    areas = []
    for readable in (0.0, 0.5):
        spec = builder.spec(claim={**claim, "tests": [{**test, "readable": readable}]})
        assert spec.claim is not None
        found = formulate(spec.claim.tests[0], builder.results(runs, spec))
        assert found.estimate is not None
        areas.append((found.estimate.effect, found.runs))
    # Lost classes: 0.3, 0.85 (and 0.95); others 0.9, 0.8. Pairs that are told right: 0.3 < both,
    # 0.85 < 0.9, none of 0.95.
    assert areas == [(pytest.approx(3 / 6), 5), (pytest.approx(3 / 4), 4)]


def test_images_to_fid_are_interpolated_in_log_fid_and_censored_at_the_budget() -> None:
    curves = [
        [64.0, 16.0, 4.0, 1.0],  # 8 lies half way between 16 and 4 in logs: 62,500
        [8.0, 9.0, 9.0, 9.0],  # at the first report
        [64.0, 32.0, 16.0, 8.5],  # never
        [64.0, 6.0, 9.0, 9.0],  # once is enough: log(64 / 8) / log(64 / 6) of the way
    ]
    runs = [
        with_curves(run, fid=curve)
        for run, curve in zip(builder.arms_runs(centered=[1.0] * 4), curves, strict=True)
    ]
    _, results = results_of(runs, **builder.comparison_test(outcome="images_to_fid", level=8.0))
    found = outcome_table(results, "images_to_fid", 8.0)["value"].tolist()
    part = 25_000 * (1 + math.log(8) / math.log(64 / 6))
    assert found == pytest.approx([62_500, 25_000, 100_000, part])


def test_the_gap_of_d_loss_is_the_mean_distance_from_two_log_two_over_the_last_half() -> None:
    equal = 2 * math.log(2)
    run = builder.arms_runs(centered=[1.0])[0]
    # Reports at 25,000, 50,000, 75,000, 100,000: the last two count, on either side.
    first = with_curves(run, d_loss=[9.0, 9.0, equal + 0.3, equal - 0.1])
    other = replace(run, run_id="b", number=1, params={**run.params, "loss": "hinge", "seed": "1"})
    _, results = results_of(
        [first, with_curves(other, d_loss=[1.0] * 4)], **builder.comparison_test()
    )
    found = outcome_table(results, "d_loss_gap")["value"]
    assert found[0] == pytest.approx(0.2)
    assert math.isnan(found[1])
