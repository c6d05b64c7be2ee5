"""Verdicts of whole studies: what counts, what is lost, what Holm's order does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.core.spec.claims import ClaimTest
from harness.reporting.statistics.hypotheses import differences, formulate, pairs
from harness.reporting.statistics.verdicts import Verdict, holm, judge
from tests.support import reports as builder
from tests.support.reports import FAILED

FAR = [10.0, 11.0, 9.5, 10.4, 9.8]


def verdicts(
    runs: list[builder.RunRecord], *tests: dict[str, Any], **changes: Any
) -> list[Verdict]:
    spec = builder.arms_spec(tests=tests or [builder.paired_test()], **changes)
    results = builder.results(runs, spec)
    assert spec.claim is not None
    return judge([(spec.claim, test, results) for test in spec.claim.tests])


def one(runs: list[builder.RunRecord], **changes: Any) -> Verdict:
    return verdicts(runs, builder.paired_test(**changes))[0]


def scaled(factor: float, noise: float = 0.02) -> list[float]:
    """FAR times ``factor``, with a little noise, so that differences have a spread."""
    rng = np.random.default_rng(7)
    return [factor * value * float(np.exp(noise * rng.normal())) for value in FAR]


@pytest.mark.parametrize(
    ("centered", "unit", "word"),
    [
        (FAR, scaled(2.0), "supported"),
        (scaled(2.0), FAR, "contradicted"),
        (FAR, scaled(1.01, 0.005), "no difference that matters"),
        (FAR, scaled(1.01, 0.5), "undecided"),
    ],
)
def test_the_four_words(centered: list[float], unit: list[float], word: str) -> None:
    found = one(builder.arms_runs(centered=centered, unit=unit))
    assert found.decision.word == word
    assert found.decision.low < found.decision.effect < found.decision.high
    assert found.hypothesis.runs == 10
    assert (found.needed is None) is (word != "undecided")


def test_the_effect_is_the_mean_log_ratio_of_the_pairs() -> None:
    found = one(builder.arms_runs(centered=[1.0, 2.0, 4.0], unit=[2.0, 2.0, 16.0]))
    # log 2, log 1 and log 4 have the mean log 2.
    assert found.decision.effect == pytest.approx(math.log(2.0))


def test_an_outcome_to_maximize_counts_the_other_way_round() -> None:
    runs = [
        builder.record(
            2 * seed + index,
            config={"seed": seed},
            tags={"arm": arm},
            recall=0.5 + 0.2 * (arm == "centered") + 0.01 * seed * index,
        )
        for seed in range(5)
        for index, arm in enumerate(("centered", "unit"))
    ]
    found = one(runs, outcome="recall", scale="difference", smallest_effect=0.01)
    # 0.2 less 0, 0.01, ... 0.04: 0.18 on average.
    assert found.decision.effect == pytest.approx(0.18)
    assert found.decision.word == "supported"


def test_pairs_are_formed_by_seed_not_by_order() -> None:
    runs = builder.arms_runs(centered=[1.0, 2.0, 3.0], unit=[2.0, 4.0, 6.0])[::-1]
    results = builder.results(runs, builder.arms_spec())
    test = ClaimTest(**builder.paired_test())
    np.testing.assert_allclose(differences(pairs(results, test), test), math.log(2.0))


def test_one_seed_decides_nothing() -> None:
    found = one(builder.arms_runs(centered=[1.0], unit=[100.0]))
    assert found.decision.word == "undecided"
    assert found.hypothesis.reason == "1 seed alone; it takes 2"
    assert found.needed is None


def test_differences_without_spread_decide_nothing() -> None:
    found = one(builder.arms_runs(centered=[1.0] * 5, unit=[2.0] * 5))
    assert "no spread" in found.hypothesis.reason


def test_a_pair_that_waits_for_a_run_is_named() -> None:
    unit: list[Any] = [*scaled(2.0)[:4], None]
    found = one(builder.arms_runs(centered=FAR, unit=unit))
    assert found.hypothesis.lost == ("1 pair without both runs",)
    assert found.hypothesis.runs == 8


def test_a_value_that_has_no_logarithm_is_named() -> None:
    found = one(builder.arms_runs(centered=FAR, unit=[-1.0, *scaled(2.0)[1:]]))
    assert found.hypothesis.lost == ("1 pair without a usable fid",)


def test_a_failed_run_loses_its_pair() -> None:
    eight = [10.0 + k for k in range(8)]
    unit = [FAILED, *(2.0 * value for value in eight[1:])]
    found = one(builder.arms_runs(centered=eight, unit=unit))
    # Eight wins of eight: two-sided exact p = 2 / 256, below 0.025.
    assert found.decision.word == "supported"
    assert found.decision.effect == 1.0
    assert found.decision.p == pytest.approx(2 / 256, rel=1e-3)
    assert "sign test" in found.hypothesis.rule
    assert "1 pair with a failed run, without a difference" in found.hypothesis.lost
    turned = one(builder.arms_runs(centered=unit, unit=eight))
    assert turned.decision.word == "contradicted"


def test_five_pairs_with_a_failed_run_cannot_decide() -> None:
    found = one(builder.arms_runs(centered=FAR, unit=[FAILED, *scaled(9.0)[1:]]))
    assert found.decision.word == "undecided"
    # All wins: 2 * 0.5**n falls below 0.025 (half of ALPHA is not split off: no margin) at n = 6.
    assert found.needed == 6


def test_a_pair_that_fails_on_both_sides_has_no_winner() -> None:
    found = one(builder.arms_runs(centered=[FAILED, FAILED], unit=[FAILED, FAILED]))
    assert found.hypothesis.reason == "no pair has a winner"
    mixed = one(builder.arms_runs(centered=[FAILED, 1.0, 1.0], unit=[FAILED, 2.0, FAILED]))
    assert mixed.hypothesis.estimate is not None
    assert mixed.hypothesis.estimate.n == 2
    assert "1 pair drawn or failed on both sides, not counted" in mixed.hypothesis.lost


def test_holms_steps_by_hand() -> None:
    # Sorted 0.005 <= 0.05/4, 0.011 <= 0.05/3, 0.03 > 0.05/2: the last two stay at 0.025.
    steps = holm([0.03, 0.005, 0.04, 0.011], 0.05)
    assert [step.passed for step in steps] == [False, True, False, True]
    assert [step.level for step in steps] == pytest.approx([0.025, 0.0125, 0.025, 0.05 / 3])
    assert holm([], 0.05) == []


def test_more_tests_in_a_report_take_more_from_each() -> None:
    runs = builder.arms_runs(centered=FAR, unit=scaled(1.2, 0.1))
    alone = verdicts(runs, builder.paired_test())[0].decision
    hopeless = [builder.paired_test(outcome="kid", scale="difference")] * 20
    among = verdicts(runs, builder.paired_test(), *hopeless)[0].decision
    assert alone.word == "supported"
    assert among.word == "undecided"
    assert among.p == alone.p
    assert among.level == pytest.approx(0.025 / 21)
    assert among.high - among.low > alone.high - alone.low


def test_the_seeds_that_would_decide() -> None:
    found = one(builder.arms_runs(centered=FAR, unit=scaled(1.1, 0.1)))
    difference = np.log(np.array(scaled(1.1, 0.1)) / FAR)
    assert found.decision.word == "undecided"
    assert found.needed is not None
    n = int(found.needed)
    # By hand, for Student's t alone: the first n at which |mean| exceeds t standard errors.
    need = [
        k
        for k in range(6, 400)
        if abs(difference.mean())
        > stats.t.ppf(1 - 0.0125, k - 1) * difference.std(ddof=1) / math.sqrt(k)
    ]
    # What the bootstrap-t adds to Student's t asks for a few more.
    assert need[0] <= n <= 1.5 * need[0]


def test_a_gain_is_a_mean_against_zero() -> None:
    runs = [
        builder.record(n, config={"seed": n}, tags={"arm": "centered"}, augmentation_gain=gain)
        for n, gain in enumerate([0.05, 0.06, 0.04, 0.05, 0.055])
    ]
    test = {"kind": "gain", "outcome": "augmentation_gain", "smallest_effect": 0.01}
    found = verdicts(runs, test)[0]
    assert found.decision.word == "supported"
    assert found.decision.effect == pytest.approx(0.051)


def searched(**finals: list[float]) -> list[builder.RunRecord]:
    """Runs of a search with these final metrics."""
    count = len(next(iter(finals.values())))
    return [
        builder.record(n, **{name: values[n] for name, values in finals.items()})
        for n in range(count)
    ]


def on_search(runs: list[builder.RunRecord], test: dict[str, Any]) -> Verdict:
    claim = {"id": "C8", "source": "S2", "text": "Losses", "tests": [test]}
    spec = builder.spec(claim=claim)
    assert spec.claim is not None
    return judge([(spec.claim, spec.claim.tests[0], builder.results(runs, spec))])[0]


WEAK = {
    "kind": "weak_correlation",
    "outcome": "fid",
    "predictor": "g_loss",
    "smallest_effect": 0.5,
}


def test_a_strong_correlation_contradicts_a_weak_one() -> None:
    fid = [float(k) for k in range(30)]
    assert on_search(searched(fid=fid, g_loss=fid[::-1]), WEAK).decision.word == "contradicted"
    noise = np.random.default_rng(1).permutation(fid * 4).tolist()
    assert on_search(searched(fid=fid * 4, g_loss=noise), WEAK).decision.word == "supported"
    assert (
        "one of the two" in on_search(searched(fid=fid, g_loss=[1.0] * 30), WEAK).hypothesis.reason
    )
    failed = [*searched(fid=fid, g_loss=fid), builder.record(30, "failed", fid=None)]
    assert on_search(failed, WEAK).hypothesis.lost == ("1 run failed",)


SEPARATION = {
    "kind": "separation",
    "outcome": "modes_captured",
    "predictor": "ms_ssim",
    "threshold": 10,
    "smallest_effect": 0.7,
}


def test_the_worse_side_of_the_predictor_points_to_the_low_outcome() -> None:
    modes = [10.0] * 20 + [7.0] * 20
    similar = [0.1 + 0.001 * k for k in range(40)]  # ms_ssim gets better downwards
    found = on_search(searched(modes_captured=modes, ms_ssim=similar), SEPARATION)
    assert (found.decision.effect, found.decision.word) == (1.0, "supported")
    vendi = {**SEPARATION, "predictor": "vendi_ratio"}  # vendi_ratio gets better upwards
    found = on_search(searched(modes_captured=modes, vendi_ratio=similar), vendi)
    assert (found.decision.effect, found.decision.word) == (0.0, "contradicted")
    runs = searched(modes_captured=[10.0] * 9, ms_ssim=similar[:9])
    assert "no runs have modes_captured below 10" in on_search(runs, SEPARATION).hypothesis.reason


IMPORTANCE = {
    "kind": "importance",
    "outcome": "fid",
    "field": "learning_rate",
    "over": ["leaky_slope", "pixel_scaling"],
    "smallest_effect": 0.05,
}


def test_the_field_that_decides_the_score_has_the_largest_share() -> None:
    rng = np.random.default_rng(0)
    runs = [
        builder.record(
            n,
            fid=abs(math.log10(rate) + 3.5) + 0.01,
            config={
                "learning_rate": rate,
                "leaky_slope": float(rng.uniform(0, 0.4)),
                "optimizer": str(rng.choice(["adam", "sgd"])),
            },
        )
        for n, rate in enumerate(10 ** rng.uniform(-5, -2, size=60))
    ]
    assert on_search(runs, IMPORTANCE).decision.word == "supported"
    turned = {**IMPORTANCE, "field": "leaky_slope", "over": ["learning_rate"]}
    assert on_search(runs, turned).decision.word == "contradicted"
    assert "it takes 10" in on_search(runs[:9], IMPORTANCE).hypothesis.reason
    elsewhere = {**IMPORTANCE, "field": "dropout"}
    assert on_search(runs, elsewhere).hypothesis.reason == "not searched: dropout"


def test_a_hypothesis_says_how_it_was_tested() -> None:
    spec = builder.arms_spec(tests=[builder.paired_test()])
    assert spec.claim is not None
    results = builder.results(builder.arms_runs(centered=FAR, unit=FAR[::-1]), spec)
    hypothesis = formulate(spec.claim.tests[0], results)
    assert hypothesis.rule == "paired differences on the same seeds"
    assert (hypothesis.units, hypothesis.scale) == ("seed", "ratio")
