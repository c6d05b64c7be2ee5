"""The answer in words: right numbers, and no more certainty than the runs give."""

from __future__ import annotations

import pytest

from harness.reporting.parts.search_answer import search_answer
from tests.support import reports as builder


def words(*runs: builder.RunRecord, **changes: object) -> str:
    found = search_answer(builder.results(list(runs), **changes), [])
    return " ".join([found.headline, *found.sentences, *found.caveats])


def test_the_best_trial_its_configuration_and_its_distance_from_an_untrained_generator() -> None:
    text = words(
        builder.record(0, fid=50.0),
        builder.record(
            1, fid=12.5, modes_captured=9.0, config={"optimizer": "sgd", "learning_rate": 3e-4}
        ),
        builder.record(2, "pruned", fid=90.0),
        builder.record(3, "failed", fid=None),
    )
    assert "Trial 1 is the best of 2 completed trials, with a fid of 12.5." in text
    assert "optimizer sgd, learning_rate 3e-4, leaky_slope 0.2 and pixel_scaling centered" in text
    assert "An untrained generator scores 400, 32 times as much." in text  # 400 / 12.5
    assert "cover 9 of the 10 classes" in text
    assert "4 trials of 20 planned: 2 completed, 1 pruned early and 1 failed." in text


def test_a_best_trial_that_is_worse_than_no_training_is_called_so() -> None:
    assert "no better than that" in words(builder.record(0, fid=401.0))


def test_an_objective_to_maximize_is_compared_the_other_way_round() -> None:
    spec = builder.spec(search={"maximize": "modes_captured"})
    runs = [builder.record(0, modes_captured=3.0), builder.record(1, modes_captured=8.0)]
    text = words(*runs, study=spec)
    assert "Trial 1 is the best" in text
    assert "no better" not in text
    assert "no better" in words(builder.record(0, modes_captured=1.0), study=spec)


def test_interrupted_trials_are_counted_apart() -> None:
    text = words(builder.record(0), builder.record(1, "interrupted"), builder.record(2, "running"))
    assert "2 trials of 20 planned: 1 completed and 1 not ended." in text
    assert "Not counted: 1 interrupted trial." in text


@pytest.mark.parametrize(("second", "named"), [(10.9, True), (11.1, False)])
def test_a_runner_up_within_a_tenth_is_named(second: float, named: bool) -> None:
    text = words(builder.record(0, fid=10.0), builder.record(1, fid=second))
    assert ("Trials 0 and 1 cannot be told apart by one seed each" in text) is named
    assert ("They share optimizer adam, learning_rate 0.0002" in text) is named


def test_a_late_fid_is_said_to_be_an_average_and_the_generators_own_fid_is_told() -> None:
    study = builder.spec(search={"minimize": "fid_late"})
    run = builder.record(0, fid=12.5, fid_late=10.0, fid_late_spread=0.125)
    text = words(run, study=study)
    assert "with a fid_late of 10." in text
    assert "images are those of the last report alone. That of trial 0 has a fid of 12.50;" in text
    assert "log fid has a standard deviation of 0.12." in text


@pytest.mark.parametrize(
    ("learning_rate", "says"),
    [
        # The range is 1e-5 to 1e-2, three decades: a twentieth of it is 10**0.15 = 1.41.
        (1.4e-5, "learning_rate at its lower end"),
        (1.5e-5, ""),
        (7.0e-3, ""),
        (7.2e-3, "learning_rate at its upper end"),
    ],
)
def test_a_best_value_at_the_end_of_the_range_is_named(learning_rate: float, says: str) -> None:
    text = words(builder.record(0, config={"learning_rate": learning_rate}))
    assert says in text
    assert ("searched range" in text) is bool(says)


def test_caveats_of_one_seed_selection_and_pruning() -> None:
    two = [builder.record(0, fid=1.0), builder.record(1, fid=9.0)]
    text = words(*two, builder.record(2, "pruned"))
    assert "one seed" in text
    assert "optimistic" in text
    assert "1 trial stopped early" in text
    assert "not the Inception FID" in text
    assert "one seed" not in words(*two, study=builder.spec({"seed": {"low": 0, "high": 9}}))
    assert "optimistic" not in words(two[0])


@pytest.mark.parametrize(
    ("extractor", "features"),
    [
        ("reference", "the features of the reference classifier digits-cnn,"),
        ("pixels", "plain pixels,"),
        ("inception", "the features of Keras's InceptionV3,"),
    ],
)
def test_the_features_of_fid_are_named(extractor: str, features: str) -> None:
    evaluation = {**builder.EVALUATION, "extractor": {"name": extractor}}
    text = words(builder.record(0, fid=1.0), evaluation=evaluation)
    assert f"fid is the Fréchet distance in {features} not the Inception FID" in text


def test_no_answer_is_an_answer() -> None:
    assert "no trial was run" in words()
    assert "no trial was completed" in words(builder.record(0, "failed", fid=None))


def test_what_was_not_recorded_is_not_made_up() -> None:
    text = words(builder.record(0, modes_captured=9.0), untrained={}, evaluation={})
    assert "untrained generator was not recorded" in text
    assert "cover 9 classes." in text
