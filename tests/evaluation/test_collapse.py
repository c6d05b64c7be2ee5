"""The alarm's inputs and model: values by hand, signs, and what the shipped model says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.evaluation import collapse
from harness.evaluation.collapse import CollapseModel, Logistic, alarm, evidence, read_model
from harness.outcomes.alarm import LEVEL, alarm_word

REAL = {
    "modes_captured": 10.0,
    "mode_jsd": 0.0,
    "support_size": 10_000.0,
    "ms_ssim": 0.4,
    "vendi_ratio": 1.0,
    "precision": 1.0,
}
CONSTANT = {
    "modes_captured": 1.0,
    "mode_jsd": 0.5,
    "support_size": 1.0,
    "ms_ssim": 1.0,
    "vendi_ratio": 0.05,
    "precision": 1.0,
}
ONES = dict.fromkeys(collapse.INPUTS, 1.0)
POOR = Logistic(dict.fromkeys(collapse.POOR_INPUTS, 1.0), -1.0)


def test_inputs_are_zero_for_the_real_images_themselves() -> None:
    none = dict.fromkeys(collapse.INPUTS, 0.0)
    assert evidence(REAL, REAL) == {**none, "realism": 1.0}


def test_inputs_by_hand() -> None:
    scores = {"modes_captured": 8.0, "mode_jsd": 0.1, "support_size": 100.0, "ms_ssim": 0.7}
    scores |= {"vendi_ratio": 0.75, "precision": 0.5}
    assert evidence(scores, REAL) == pytest.approx(
        {
            "lost_classes": 0.2,
            "imbalance": 0.1 / math.log(2),
            "repetition": 2.0,
            "likeness": 0.5,  # half of the way from 0.4 to 1
            "lost_diversity": 0.25,
            "realism": 0.5,
        }
    )


def test_classes_and_diversity_count_as_far_as_images_are_like_real_ones() -> None:
    seen = {**dict.fromkeys(collapse.EVIDENCE, 0.8), "realism": 0.25}
    assert collapse.collapse_inputs(seen) == pytest.approx(
        {
            "lost_classes": 0.2,
            "imbalance": 0.2,
            "repetition": 0.8,
            "likeness": 0.8,
            "lost_diversity": 0.2,
        }
    )


def test_more_diverse_than_the_real_images_is_no_evidence() -> None:
    scores = {**REAL, "support_size": 1e7, "ms_ssim": 0.1, "vendi_ratio": 1.3}
    found = evidence(scores, REAL)
    assert {found[name] for name in collapse.INPUTS} == {0.0}


def test_real_images_that_are_all_alike_give_no_likeness() -> None:
    assert evidence(CONSTANT, {**REAL, "ms_ssim": 1.0})["likeness"] == 0.0


def test_the_probability_is_the_logistic_function() -> None:
    model = Logistic(ONES, intercept=-5.0)
    assert model.probability(ONES) == 0.5
    assert model.probability({**ONES, "repetition": 2.0}) == pytest.approx(1 / (1 + math.exp(-1)))
    assert Logistic(ONES, -1e6).probability(ONES) < 1e-300  # no overflow
    assert Logistic(ONES, 1e6).probability(ONES) == 1.0


@pytest.mark.parametrize(
    ("coefficients", "intercept"),
    [
        ({**ONES, "likeness": -0.1}, 0.0),
        ({"likeness": 1.0}, 0.0),
        ({**ONES, "likeness": math.nan}, 0.0),
        (ONES, math.inf),
    ],
)
def test_a_model_that_is_not_one_is_refused(coefficients: dict, intercept: float) -> None:
    with pytest.raises(InputError, match="a collapse model has"):
        CollapseModel(Logistic(coefficients, intercept), POOR)


def test_a_model_survives_its_file(tmp_path: Path) -> None:
    model = CollapseModel(Logistic(ONES, -2.5), POOR, {"dataset": "made up"})
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model.to_dict()))
    assert read_model(path) == model


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"collapsed": 3}', None])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "model.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"model\.json: "):
        read_model(path)


def test_the_shipped_model_says_how_it_was_made() -> None:
    provenance = collapse.shipped_model().provenance
    assert provenance["command"].startswith("python -m harness.evaluation.calibrate mnist")
    assert provenance["dataset"] == "mnist"
    assert len(provenance["dataset_fingerprint"]) == len(provenance["classifier_sha256"]) == 64


# An oscillating generator of the digits, as measured: poor by eye, all images different.
OSCILLATING = {"modes_captured": 6.0, "mode_jsd": 0.2, "ms_ssim": 0.3, "precision": 0.05}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, ""),
        ({"modes_captured": 7.0, "mode_jsd": 0.12, "vendi_ratio": 0.85}, "collapsed"),
        ({"support_size": 100.0}, "collapsed"),
        ({"ms_ssim": 0.8}, "collapsed"),
        ({"support_size": 3_000.0, "ms_ssim": 0.42, "mode_jsd": 0.01}, ""),
        (OSCILLATING, "poor: classes not readable"),
        ({**OSCILLATING, "support_size": 20.0}, "collapsed"),
        ({**OSCILLATING, "ms_ssim": 0.85}, "collapsed"),
        (CONSTANT, "collapsed"),
    ],
)
def test_the_shipped_alarm_on_plain_cases(changes: dict[str, float], word: str) -> None:
    assert alarm_word(alarm({**REAL, **changes}, REAL)) == word


def test_a_run_that_knows_no_poor_images_can_be_called_collapsed_alone() -> None:
    assert alarm_word({"collapse_probability": LEVEL}) == "collapsed"
    assert alarm_word({"collapse_probability": 0.49}) == alarm_word({}) == ""


@pytest.mark.parametrize("score", sorted(set(collapse.SCORES) - {"precision"}))
def test_worse_scores_never_lower_the_probability(score: str) -> None:
    """Monotone on a grid from the real images' value to a constant generator's."""
    values = [REAL[score] + k / 8 * (CONSTANT[score] - REAL[score]) for k in range(9)]
    found = [alarm({**REAL, score: value}, REAL)["collapse_probability"] for value in values]
    assert found == sorted(found)
    assert found[-1] > found[0]
