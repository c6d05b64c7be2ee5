"""Which runs open tests need next: counted on studies in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.core.spec.study_spec import StudySpec
from harness.evidence.open_tests import Addition, OpenTest, additions, open_tests
from harness.reporting.pages.claims import claim_runs, judge_claims
from harness.reporting.results.tables import StudyResults
from tests.support import reports as builder


def arms_spec(**changes: Any) -> StudySpec:
    return builder.arms_spec(tests=[builder.comparison_test()], **changes)


def noisy(level: float, n: int, seed: int) -> list[float]:
    return (level * np.exp(0.2 * np.random.default_rng(seed).normal(size=n))).tolist()


def needed(
    results: list[StudyResults], specs: list[StudySpec], max_seeds: int = 40
) -> tuple[list[OpenTest], list[Addition]]:
    found = claim_runs(results, specs)
    tests = open_tests(found, judge_claims(found), max_seeds)
    by_name = {one.spec.name: one for one in results}
    return tests, additions(tests, {spec.name: spec for spec in specs}, by_name, {})


def of(centered: list[Any], unit: list[Any], max_seeds: int = 40) -> list[Addition]:
    spec = arms_spec()
    runs = builder.arms_runs(centered=centered, unit=unit)
    return needed([builder.results(runs, spec)], [spec], max_seeds)[1]


def seeds(addition: Addition) -> dict[str, int]:
    arms = addition.spec.arms
    assert arms is not None
    return {arm: arms.seeds_of(arm) for arm in arms.names}


def test_without_a_run_the_first_look_is_needed() -> None:
    tests, (addition,) = needed([], [arms_spec()])
    assert [(test.claim, test.look, test.arms) for test in tests] == [
        ("C1", 0, ("centered", "unit"))
    ]
    assert (seeds(addition), addition.runs) == ({"centered": 5, "unit": 5}, 10)
    assert addition.spec.search.num_trials == 10


def test_studies_whose_trials_are_short_come_first() -> None:
    budgets = {"a": 3_200, "b": 1_600, "c": 6_400, "d": 1_600}
    specs = [
        arms_spec().replace(name=name, base={**arms_spec().base, "images": images})
        for name, images in budgets.items()
    ]
    _, found = needed([], specs)
    assert [one.spec.name for one in found] == ["b", "d", "a", "c"]


def test_an_arm_that_is_ahead_waits_for_the_other() -> None:
    (addition,) = of(noisy(10, 9, 1), noisy(10, 6, 2))
    assert (seeds(addition), addition.runs) == ({"centered": 9, "unit": 8}, 2)
    assert addition.words == "unit 6 to 8 seeds"


def test_a_seed_that_is_missing_is_trained() -> None:
    unit: list[Any] = noisy(10, 8, 2)
    unit[3] = None
    (addition,) = of(noisy(10, 8, 1), unit)
    assert (seeds(addition), addition.runs) == ({"centered": 8, "unit": 8}, 1)


def test_a_decided_test_needs_nothing() -> None:
    assert of(noisy(10, 5, 1), noisy(40, 5, 2)) == []


def test_looks_beyond_the_allowed_seeds_are_none() -> None:
    runs = noisy(10, 8, 1), noisy(10, 8, 2)
    assert of(*runs)[0].runs == 8
    assert of(*runs, max_seeds=12)[0].runs == 8
    assert of(*runs, max_seeds=11) == []
    assert of(noisy(10, 40, 1), noisy(10, 40, 2)) == []


def test_arms_of_no_open_test_keep_what_they_have() -> None:
    tests = [
        builder.comparison_test(),
        builder.comparison_test(than="third"),
    ]
    spec = builder.arms_spec(("centered", "unit", "third", "unused"), tests)
    runs = builder.arms_runs(
        centered=noisy(10, 5, 1), unit=noisy(60, 5, 2), third=noisy(10, 5, 3), unused=[]
    )
    _, (addition,) = needed([builder.results(runs, spec)], [spec])
    assert seeds(addition) == {"centered": 8, "unit": 5, "third": 8, "unused": 0}
    assert addition.words == "centered 5 to 8 seeds, third 5 to 8 seeds"


def test_a_run_that_was_interrupted_keeps_its_place() -> None:
    spec = arms_spec()
    runs = builder.arms_runs(centered=noisy(10, 5, 1), unit=noisy(10, 4, 2))
    config = {"seed": 4, "learning_rate": 2e-4}
    runs.append(builder.record(9, "interrupted", tags={"arm": "unit"}, config=config))
    _, (addition,) = needed([builder.results(runs, spec)], [spec])
    assert (seeds(addition)["unit"], addition.runs) == (5, 1)


def test_a_test_that_runs_cannot_answer_is_not_open() -> None:
    nowhere = builder.comparison_test(outcome="augmentation_gain", scale="difference")
    spec = builder.arms_spec(tests=[nowhere])
    runs = builder.arms_runs(centered=noisy(10, 5, 1), unit=noisy(10, 5, 2))
    assert needed([builder.results(runs, spec)], [spec]) == ([], [])
    importance = {
        "kind": "importance",
        "outcome": "fid",
        "field": "dropout",
        "over": ["leaky_slope"],
        "smallest_effect": 0.05,
    }
    claim = {"id": "C14", "source": "S", "text": "It matters", "tests": [importance]}
    search = builder.spec(claim=claim)
    assert needed([builder.results(builder.random_runs(3), search)], [search]) == ([], [])


def test_a_search_gets_eight_times_as_many_runs() -> None:
    weak = {
        "kind": "weak_correlation",
        "outcome": "fid",
        "predictor": "g_loss",
        "smallest_effect": 0.3,
    }
    claim = {"id": "C8", "source": "S", "text": "Losses", "tests": [weak]}
    search = builder.spec(name="search")
    reader = StudySpec.from_dict(
        {"name": "c08", "question": "?", "claim": {**claim, "runs_of": "search"}}
    )
    tests, (addition,) = needed([], [search, reader])
    assert [(test.claim, test.study) for test in tests] == [("C8", "search")]
    assert (addition.spec.name, addition.runs) == ("search", 40)
    assert addition.spec.search.num_trials == 40
    runs = builder.random_runs(50, seed=1, reports=2)
    results = builder.results(runs, search)
    _, (addition,) = needed([results], [search, reader])
    ended = results.counts["complete"] + results.counts["failed"]
    wanted = 40 if ended < 40 else 64
    assert addition.runs == wanted - ended
    # Pruned trials count for the study, but not for the look.
    assert addition.spec.search.num_trials == wanted + results.counts["pruned"]


def test_a_study_that_is_not_to_be_run_is_left_out() -> None:
    tests = open_tests(claim_runs([], [arms_spec()]), [], 40)
    assert len(tests) == 1
    assert additions(tests, {}, {}, {}) == []
