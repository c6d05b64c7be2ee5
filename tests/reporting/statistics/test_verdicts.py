"""Verdicts of whole studies: what counts, what is lost, what each look decides."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.core.spec.claims import ClaimTest
from harness.reporting.statistics import importance
from harness.reporting.statistics.differences import Failures
from harness.reporting.statistics.hypotheses import SUPPORTED, UNDECIDED, Hypothesis, formulate
from harness.reporting.statistics.samples import num_ended
from harness.reporting.statistics.verdicts import (
    ALPHA,
    LOOKS,
    RUNS_PER_SEED,
    Verdict,
    answers,
    decide,
    judge,
    looks,
    needed,
    share,
)
from tests.support import reports as builder
from tests.support.reports import FAILED

FAR = [10.0, 11.0, 9.5, 10.4, 9.8]


def verdicts(
    runs: list[builder.RunRecord],
    *tests: dict[str, Any],
    num_tests: int | None = None,
    **changes: Any,
) -> list[Verdict]:
    spec = builder.arms_spec(tests=tests or [builder.comparison_test()], **changes)
    results = builder.results(runs, spec)
    assert spec.claim is not None
    return judge([(spec.claim, test, results) for test in spec.claim.tests], num_tests)


def one(runs: list[builder.RunRecord], num_tests: int | None = None, **changes: Any) -> Verdict:
    return verdicts(runs, builder.comparison_test(**changes), num_tests=num_tests)[0]


def noisy(level: float, n: int, noise: float = 0.1, seed: int = 7) -> list[float]:
    """n positive numbers around ``level``; ``noise``: the standard deviation of their logarithm."""
    rng = np.random.default_rng(seed)
    return (level * np.exp(noise * rng.normal(size=n))).tolist()


@pytest.mark.parametrize(
    ("centered", "unit", "word"),
    [
        (noisy(10, 5), noisy(20, 5, seed=8), "supported"),
        (noisy(20, 5), noisy(10, 5, seed=8), "contradicted"),
        (noisy(10, 5, 0.005), noisy(10.1, 5, 0.005, seed=8), "no difference that matters"),
        (noisy(10, 5, 0.5), noisy(10.1, 5, 0.5, seed=8), "undecided"),
    ],
)
def test_the_four_words(centered: list[float], unit: list[float], word: str) -> None:
    found = one(builder.arms_runs(centered=centered, unit=unit))
    assert found.decision.word == word
    assert found.decision.low < found.decision.effect < found.decision.high
    assert found.hypothesis.runs == 10
    assert (found.needed is None) is (word != "undecided")


def test_a_difference_that_leaves_0_but_not_the_margin_does_not_matter() -> None:
    found = one(builder.arms_runs(centered=noisy(10, 8, 0.003), unit=noisy(10.3, 8, 0.003, seed=8)))
    assert found.decision.low > 0
    assert found.decision.word == "no difference that matters"


def test_the_test_is_welchs_on_logarithms_at_the_level_of_its_look() -> None:
    centered, unit = noisy(10, 5), noisy(12, 5, 0.3, seed=8)
    found = one(builder.arms_runs(centered=centered, unit=unit), num_tests=29)
    welch = stats.ttest_ind(np.log(unit), np.log(centered), equal_var=False)
    # The first look has 5 of the 40 seeds' level; its p-value counts at 40 / 5 times itself.
    assert found.decision.p == pytest.approx(min(1.0, welch.pvalue * 8))
    assert found.decision.budget == pytest.approx(0.025 / 29)
    assert found.decision.level == pytest.approx(0.025 / 29 / 8)
    ends = welch.confidence_interval(1 - 0.025 / 29 / 8)
    assert (found.decision.low, found.decision.high) == pytest.approx((ends.low, ends.high))
    assert found.decision.effect == pytest.approx(np.log(unit).mean() - np.log(centered).mean())


def test_arms_are_not_paired_by_seed() -> None:
    centered, unit = noisy(10, 5), noisy(12, 5, seed=8)
    straight = one(builder.arms_runs(centered=centered, unit=unit))
    turned = one(builder.arms_runs(centered=centered, unit=unit[::-1]))
    assert turned.decision.p == pytest.approx(straight.decision.p)
    assert turned.decision.low == pytest.approx(straight.decision.low)
    # What a paired test would use is shown: the correlation over the seeds.
    expected = np.corrcoef(np.log(centered), np.log(unit))[0, 1]
    assert straight.hypothesis.correlation == pytest.approx(expected)


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


def test_levels_of_the_looks_add_up() -> None:
    assert [share(k) * LOOKS[-1] for k in range(len(LOOKS))] == [5, 3, 4, 6, 9, 13]
    assert sum(share(k) for k in range(len(LOOKS))) == pytest.approx(1.0)
    assert looks("run") == tuple(8 * n for n in looks("seed"))


def test_there_is_no_verdict_before_the_first_look() -> None:
    four = builder.arms_runs(centered=noisy(1, 4, 0.01), unit=noisy(9, 4, 0.01, seed=8))
    found = one(four)
    assert (found.decision.word, found.decision.look, found.decision.spent) == (UNDECIDED, None, 0)
    assert found.decision.low > 0  # the numbers are shown
    assert found.needed == 5


def test_seeds_after_a_look_wait_for_the_next() -> None:
    centered, unit = noisy(10, 12), noisy(12, 12, seed=8)
    at_eight = one(builder.arms_runs(centered=centered[:8], unit=unit[:8]), num_tests=29)
    at_eleven = one(builder.arms_runs(centered=centered[:11], unit=unit[:11]), num_tests=29)
    assert at_eleven.decision == at_eight.decision
    assert (at_eight.ended, at_eleven.ended) == (8, 11)
    assert at_eight.decision.look == 1
    at_twelve = one(builder.arms_runs(centered=centered, unit=unit), num_tests=29)
    assert at_twelve.decision.look == 2


def test_a_look_waits_until_no_seed_before_it_is_missing() -> None:
    unit: list[Any] = noisy(12, 9, seed=8)
    runs = builder.arms_runs(centered=noisy(10, 9), unit=[*unit[:3], None, *unit[4:]])
    assert one(runs).ended == 3
    spec = builder.arms_spec(tests=[builder.comparison_test()])
    test = ClaimTest(**builder.comparison_test())
    assert num_ended(test, builder.results(runs, spec)) == 3


def test_a_verdict_that_was_reached_stays() -> None:
    """The five seeds of the first look differ by far, the later ones speak against them."""
    centered = noisy(10, 18, 0.05, seed=1)
    unit = [*noisy(20, 5, 0.05, seed=2), *noisy(5, 13, 0.05, seed=3)]
    found = [
        one(builder.arms_runs(centered=centered[:n], unit=unit[:n])).decision
        for n in (5, 7, 12, 18)
    ]
    assert {(decision.word, decision.look) for decision in found} == {("supported", 0)}
    against = one(builder.arms_runs(centered=centered[5:], unit=unit[5:])).decision
    assert against.word == "contradicted"


def test_the_decisive_p_is_the_smallest_over_its_look() -> None:
    centered, unit = noisy(10, 18, 0.3), noisy(11, 18, 0.3, seed=8)
    found = one(builder.arms_runs(centered=centered, unit=unit), num_tests=29)
    p = [
        stats.ttest_ind(np.log(unit[:n]), np.log(centered[:n]), equal_var=False).pvalue / of
        for n, of in ((5, 5 / 40), (8, 3 / 40), (12, 4 / 40), (18, 6 / 40))
    ]
    assert found.decision.word == UNDECIDED
    assert found.decision.p == pytest.approx(min(*p, 1.0))
    assert found.decision.spent == 18 / 40


def test_the_page_takes_its_level_from_each_test() -> None:
    runs = builder.arms_runs(centered=noisy(10, 5), unit=noisy(16, 5, 0.1, seed=8))
    alone, among = one(runs), one(runs, num_tests=2_000)
    assert (alone.decision.word, among.decision.word) == (SUPPORTED, UNDECIDED)
    assert among.decision.p == alone.decision.p
    assert among.decision.budget == pytest.approx(ALPHA / 2_000)
    assert among.decision.high - among.decision.low > alone.decision.high - alone.decision.low


def test_one_seed_decides_nothing() -> None:
    found = one(builder.arms_runs(centered=[1.0], unit=[100.0]))
    assert found.decision.word == "undecided"
    assert found.hypothesis.reason == "1 seed alone; it takes 2"
    assert found.needed is None


def test_arms_without_spread_decide_nothing() -> None:
    found = one(builder.arms_runs(centered=[1.0] * 5, unit=[2.0] * 5))
    assert "no spread" in found.hypothesis.reason
    assert found.decision.word == "undecided"


def test_a_value_that_has_no_logarithm_is_named() -> None:
    unit = [-1.0, *noisy(20, 4)]
    found = one(builder.arms_runs(centered=FAR, unit=unit))
    assert found.hypothesis.lost == ("1 run without a usable fid",)
    assert found.hypothesis.runs == 9


def test_failures_are_a_rate_of_their_own() -> None:
    n = 12
    unit: list[Any] = [FAILED if seed % 2 else 10.0 + seed for seed in range(n)]
    found = one(builder.arms_runs(centered=noisy(10, n), unit=unit))
    failures = found.hypothesis.failures
    assert failures is not None
    assert (failures.better, failures.than, failures.than_runs) == (0, 6, 12)
    # Fisher: 6 of 12 against none; both tails. Failures and the rest have half of the level each.
    p = stats.fisher_exact([[0, 6], [12, 6]]).pvalue
    assert [answer.p for answer in answers(found.hypothesis)][-1] == pytest.approx(2 * p)
    assert found.hypothesis.margin is None


def test_an_arm_that_always_fails_loses_by_its_failures() -> None:
    found = one(builder.arms_runs(centered=noisy(10, 8), unit=[FAILED] * 8))
    # 2 / C(16, 8) = 1.6e-4, doubled, at most 0.05 * 3 / 40.
    assert found.decision.word == "supported"
    assert found.hypothesis.estimate is None
    assert found.decision.p == pytest.approx(4 / 12_870 / (3 / 40))
    turned = one(builder.arms_runs(centered=[FAILED] * 8, unit=noisy(10, 8)))
    assert turned.decision.word == "contradicted"
    both = one(builder.arms_runs(centered=[FAILED] * 8, unit=[FAILED] * 8))
    assert both.decision.word == "undecided"


def test_a_generator_hardly_better_than_an_untrained_one_has_failed() -> None:
    # The untrained generator's fid is 400 (tests/support/reports.py), so that 200 is too much.
    unit = [200.0, 199.0, *noisy(12, 6)]
    found = one(builder.arms_runs(centered=noisy(10, 8), unit=unit))
    assert found.hypothesis.failures is not None
    assert found.hypothesis.failures.than == 1
    assert found.hypothesis.runs == 16


def test_a_generator_that_ends_at_a_bad_moment_has_not_failed() -> None:
    """Its fid over the late reports counts, where that was recorded."""

    def failures(end: float, late: float) -> Failures | None:
        runs = builder.arms_runs(centered=noisy(10, 5), unit=[end, *noisy(12, 4)])
        history = {**runs[5].history, "fid_late": [(100_000, late)]}
        runs[5] = dataclasses.replace(runs[5], history=history)
        return one(runs).hypothesis.failures

    assert failures(end=300.0, late=14.0) is None
    assert failures(end=14.0, late=300.0) == Failures(0, 5, 1, 5)


def test_runs_that_did_not_fail_are_compared_by_ranks() -> None:
    n = 18
    centered: list[Any] = [FAILED, *noisy(10, n - 1)]
    unit: list[Any] = [FAILED, *noisy(15, n - 1, seed=8)]
    found = one(builder.arms_runs(centered=centered, unit=unit), num_tests=29)
    assert found.decision.word == "supported"
    ratios = [u / c for u in unit[1:] for c in centered[1:]]
    looked = found.decision.look
    assert looked is not None
    k = LOOKS[looked] - 1
    ratios = [u / c for u in unit[1 : k + 1] for c in centered[1 : k + 1]]
    assert found.decision.effect == pytest.approx(math.log(np.median(ratios)))
    exact = stats.mannwhitneyu(unit[1 : k + 1], centered[1 : k + 1], method="exact")
    # Two-sided, half of the level.
    assert found.decision.p == pytest.approx(2 * exact.pvalue / share(looked))


def test_failures_and_survivors_that_contradict_each_other_decide_nothing() -> None:
    n = 40
    centered = noisy(20, n, 0.05)
    unit: list[Any] = [FAILED if k % 2 else v for k, v in enumerate(noisy(10, n, 0.05, seed=8))]
    spec = builder.arms_spec(tests=[builder.comparison_test()])
    results = builder.results(builder.arms_runs(centered=centered, unit=unit), spec)
    hypothesis = formulate(ClaimTest(**builder.comparison_test()), results)
    words = {answer.word for answer in answers(hypothesis) if answer.p < 1e-6}
    assert words == {"supported", "contradicted"}
    assert decide([hypothesis], ALPHA).word == UNDECIDED


def test_how_many_seeds_would_decide_is_a_power_of_80_percent() -> None:
    centered, unit = noisy(10, 8, 0.2), noisy(12, 8, 0.2, seed=11)
    found = one(builder.arms_runs(centered=centered, unit=unit), num_tests=29)
    assert found.decision.word == UNDECIDED
    # By hand: the effect times 1 - 1 / z^2; the first look whose power by the noncentral t, with
    # the level of that look, is 80 %.
    first, second = np.log(unit), np.log(centered)
    spread = math.sqrt(first.var(ddof=1) + second.var(ddof=1))
    effect = first.mean() - second.mean()
    shrunk = effect * (1 - (spread / math.sqrt(8) / effect) ** 2)
    degrees = stats.ttest_ind(first, second, equal_var=False).df / 7
    powers = {}
    for look, n in enumerate(LOOKS):
        df, gap = degrees * (n - 1), shrunk / spread * math.sqrt(n)
        t = stats.t.ppf(1 - 0.025 / 29 * share(look) / 2, df)
        powers[n] = stats.nct.sf(t, df, gap)
    later = [n for n in LOOKS if n > 8 and powers[n] >= 0.8]
    assert found.needed == later[0]
    assert powers[found.needed] == pytest.approx(0.8, abs=0.2)


def test_an_effect_within_its_own_error_is_taken_for_none() -> None:
    centered, unit = np.log(noisy(10, 8, 0.3)), np.log(noisy(10, 8, 0.3, seed=8))
    unit = unit - unit.mean() + centered.mean() + 0.02
    centered, unit = np.exp(centered).tolist(), np.exp(unit).tolist()
    found = one(builder.arms_runs(centered=centered, unit=unit), num_tests=29)
    z = abs(found.decision.effect) / found.hypothesis.estimate.standard_error  # type: ignore[union-attr]
    assert z < 1
    # Only the absence of a difference is left: 0 +- log 1.1 with a spread of 0.3 * sqrt(2).
    assert found.needed is not None
    spread = found.hypothesis.estimate.standard_error * math.sqrt(8)  # type: ignore[union-attr]
    reach = stats.norm.ppf(1 - 0.025 / 29 * 13 / 40) + stats.norm.ppf(0.9)
    assert found.needed == pytest.approx((reach * spread / math.log(1.1)) ** 2, rel=0.1)
    assert found.needed > LOOKS[-1]


def test_without_a_margin_no_number_of_seeds_shows_that_there_is_no_effect() -> None:
    assert needed(Hypothesis(), 0.05, None) is None
    gains = [0.1, -0.1, 0.2, -0.2, 0.01]
    runs = [
        builder.record(n, config={"seed": n}, tags={"arm": "centered"}, augmentation_gain=gain)
        for n, gain in enumerate(gains)
    ]
    test = {"kind": "gain", "outcome": "augmentation_gain", "smallest_effect": 0.0}
    found = verdicts(runs, test, arms={"centered": {}})[0]
    assert found.needed == math.inf


def test_a_gain_is_a_mean_against_zero() -> None:
    runs = [
        builder.record(n, config={"seed": n}, tags={"arm": "centered"}, augmentation_gain=gain)
        for n, gain in enumerate([0.05, 0.06, 0.04, 0.05, 0.055])
    ]
    test = {"kind": "gain", "outcome": "augmentation_gain", "smallest_effect": 0.01}
    found = verdicts(runs, test, arms={"centered": {}})[0]
    assert found.decision.word == "supported"
    assert found.decision.effect == pytest.approx(0.051)
    assert (found.hypothesis.units, found.ended) == ("seed", 5)


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
    fid = [float(k) for k in range(40)]
    strong = on_search(searched(fid=fid, g_loss=fid[::-1]), WEAK)
    assert (strong.decision.word, strong.decision.look) == ("contradicted", 0)
    many = [float(k) for k in range(96)]
    noise = np.random.default_rng(1).permutation(many).tolist()
    assert on_search(searched(fid=many, g_loss=noise), WEAK).decision.word == "supported"
    same = on_search(searched(fid=fid, g_loss=[1.0] * 40), WEAK)
    assert "one of the two" in same.hypothesis.reason
    failed = [builder.record(0, "failed", fid=None), *searched(fid=fid, g_loss=fid)[1:]]
    assert on_search(failed, WEAK).hypothesis.lost == ("1 run failed",)


def test_a_search_looks_after_eight_times_as_many_runs() -> None:
    rng = np.random.default_rng(3)
    fid = rng.gamma(3, 3, 70)
    loss = (fid + rng.normal(0, 7, 70)).tolist()  # a correlation of about 1/2, as the threshold
    fid = fid.tolist()
    found = on_search(searched(fid=fid, g_loss=loss), WEAK)
    assert (found.decision.look, found.ended) == (1, 70)
    assert found.hypothesis.runs == LOOKS[1] * RUNS_PER_SEED == 64
    rho = stats.spearmanr(fid[:64], loss[:64]).statistic
    assert found.decision.effect == pytest.approx(abs(rho))
    assert on_search(searched(fid=fid[:39], g_loss=loss[:39]), WEAK).decision.look is None


def test_runs_count_up_to_the_first_that_has_not_ended() -> None:
    runs = searched(fid=[float(k) for k in range(60)], g_loss=[float(k) for k in range(60)])
    runs[45] = builder.record(45, "running", fid=[3.0])
    runs[7] = builder.record(7, "interrupted", fid=[3.0])
    found = on_search(runs, WEAK)
    assert (found.ended, found.decision.look) == (44, 0)


SEPARATION = {
    "kind": "separation",
    "outcome": "modes_captured",
    "predictor": "ms_ssim",
    "threshold": 10,
    "smallest_effect": 0.7,
}


def test_the_worse_side_of_the_predictor_points_to_the_low_outcome() -> None:
    modes = [10.0, 7.0] * 20
    similar = [0.1 + 0.1 * (k % 2) + 0.001 * k for k in range(40)]  # better downwards
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


def test_the_field_that_decides_the_score_has_the_largest_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importance, "MAX_SHUFFLES", 1_000)
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
        for n, rate in enumerate(10 ** rng.uniform(-5, -2, size=100))
    ]
    assert on_search(runs, IMPORTANCE).decision.word == "supported"
    turned = {**IMPORTANCE, "field": "leaky_slope", "over": ["learning_rate"]}
    assert on_search(runs, turned).decision.word == "contradicted"
    assert "it takes 10" in on_search(runs[:9], IMPORTANCE).hypothesis.reason
    elsewhere = on_search(runs, {**IMPORTANCE, "field": "dropout"})
    assert elsewhere.hypothesis.reason == "not searched: dropout"
    assert elsewhere.hypothesis.hopeless


def test_a_hypothesis_says_how_it_was_tested() -> None:
    spec = builder.arms_spec(tests=[builder.comparison_test()])
    assert spec.claim is not None
    results = builder.results(builder.arms_runs(centered=FAR, unit=FAR[::-1]), spec)
    hypothesis = formulate(spec.claim.tests[0], results)
    assert hypothesis.rule == "Welch's test of the arms' means"
    assert (hypothesis.units, hypothesis.scale) == ("seed", "ratio")


def test_the_kind_of_earlier_stores_is_read_by_its_new_name() -> None:
    spec = builder.arms_spec(tests=[{**builder.comparison_test(), "kind": "paired"}])
    assert spec.claim is not None
    assert spec.claim.tests[0].kind == "comparison"
    assert spec.claim.tests[0].to_dict()["kind"] == "comparison"
