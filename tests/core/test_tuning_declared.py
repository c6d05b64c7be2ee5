"""``[tune]`` as a study file declares it: what is wrong is one line."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec

STUDY = {
    "question": "?",
    "base": {"learning_rate": 0.001},
    "arms": {"a": {}, "b": {"learning_rate": 0.01}},
}


def declared(**changes: Any) -> StudySpec:
    return StudySpec.from_dict({**STUDY, **changes}, name="s")


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ({"field": "batch_size"}, "[tune]: field is batch_size; allowed: a field of real numbers"),
        ({"field": "rate"}, "[tune]: unknown field 'rate'"),
        ({"factors": [1]}, "[tune]: factors takes a list of 2 to 9 numbers above 0"),
        ({"factors": [1, -2]}, "[tune]: factors takes numbers above 0, got -2"),
        ({"factors": [3, 1]}, "[tune]: factors are to ascend"),
        ({"factors": 3}, "[tune]: factors takes a list"),
        ({"seeds": 0}, "[tune]: seeds takes a whole number from 1 to 1,000, got 0"),
        ({"rounds": 2}, "[tune]: unknown key 'rounds'"),
    ],
)
def test_a_tuning_that_is_wrong_is_one_line(tune: dict[str, Any], message: str):
    with pytest.raises(InputError) as caught:
        declared(tune=tune)
    assert str(caught.value).startswith(message)


def test_only_arms_that_minimize_fid_are_tuned():
    for changes in ({"search": {"maximize": "recall"}}, {"arms": {}}):
        with pytest.raises(InputError, match=r"\[tune\] is for \[arms\] that minimize fid_late"):
            declared(tune={"seeds": 2}, **changes)


def test_every_arm_is_tried_at_its_own_value_times_each_factor():
    spec = declared(tune={"factors": [0.5, 1, 2]}, seeds={"a": 3, "b": 0})
    assert spec.tune is not None
    assert spec.arms is not None
    arms = spec.tune.arms(spec.arms, spec.base_config())
    rates = {arm: fields["learning_rate"] for arm, fields in arms.fields.items()}
    assert rates == pytest.approx(
        {"a x0.5": 5e-4, "a x1": 1e-3, "a x2": 2e-3, "b x0.5": 5e-3, "b x1": 0.01, "b x2": 0.02}
    )
    assert [arms.seeds_of(arm) for arm in arms.names] == [2, 2, 2, 0, 0, 0]
    assert StudySpec.from_dict(spec.to_dict()) == spec
