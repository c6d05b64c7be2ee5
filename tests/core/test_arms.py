"""Studies that compare arms over seeds, and what their files may say."""

from typing import Any

import pytest

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.spec.arms import Arms
from harness.core.spec.study_spec import StudySpec

PAIR = {"a": {"leaky_slope": 0.0}, "b": {"leaky_slope": 0.2}}
TEST = {"outcome": "fid", "better": "b", "than": "a", "smallest_effect": 0.1}
CLAIM = {"id": "C2", "source": "S2", "text": "The slope matters", "tests": [TEST]}


def declared(**tables: Any) -> StudySpec:
    return StudySpec.from_dict({"question": "?", "arms": PAIR, "seeds": 3, **tables}, name="s")


def test_a_study_of_arms_trains_every_arm_with_every_seed_to_its_end():
    spec = declared(base={"seed": 7})
    assert spec.arms is not None
    assert spec.search.num_trials == 6
    assert spec.search.pruner == "none"
    assert not spec.search.collapse_alarm
    assert spec.varied == ("leaky_slope",)
    configs = spec.arms.configs(spec.base_config())
    assert configs == {
        "a": TrialConfig(leaky_slope=0.0, seed=7),
        "b": TrialConfig(leaky_slope=0.2, seed=7),
    }


def test_it_is_read_back_as_it_was_written():
    spec = declared(claim=CLAIM)
    assert StudySpec.from_dict(spec.to_dict()) == spec


def test_arms_may_have_as_many_seeds_as_they_need():
    spec = declared(seeds={"a": 5, "b": 0})
    assert spec.arms is not None
    assert (spec.arms.num_seeds, spec.search.num_trials) == (5, 5)
    assert StudySpec.from_dict(spec.to_dict()) == spec
    grown = spec.with_seeds({"a": 5, "b": 8})
    assert (grown.search.num_trials, grown.to_dict()["seeds"]) == (13, {"a": 5, "b": 8})


def test_an_arm_may_be_the_base_itself():
    assert declared(arms={"base": {}, "other": {"optimizer": "sgd"}}).varied == ("optimizer",)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"space": {"beta_1": {"low": 0.1, "high": 0.9}}}, "[space] and [arms] exclude each other"),
        ({"confirm": {"top": 1}}, "[confirm] follows a search of a [space]"),
        ({"search": {"pruner": "median"}}, "[search]: pruner is 'median'; with [arms]"),
        ({"search": {"collapse_alarm": True}}, "[search]: collapse_alarm is True"),
        ({"seeds": 0}, "seeds takes a whole number from 1 to 1,000, got 0"),
        ({"seeds": "five"}, "seeds takes a whole number"),
        ({"seeds": {"a": 1}}, "seeds is a number for each arm; it names 'a'"),
        ({"seeds": {"a": 1, "b": -1}}, "seeds: b takes a whole number from 0 to 1,000, got -1"),
        ({"seeds": {"a": 0, "b": 0}}, "seeds is 0 for every arm"),
        ({"arms": {}, "seeds": 2}, "seeds is for studies with [arms]"),
        ({"arms": {"<b>": {}}}, "[arms]: name '<b>'; allowed: 1 to 60 letters"),
        ({"arms": {"a": 3}}, "[arms]: a is a table of fields, got 3"),
        ({"arms": {"a": {"slope": 1}}}, "unknown field 'slope'; known: dataset"),
        ({"arms": {"a": {"seed": 1}}}, "[arms.a]: an arm does not set seed"),
        ({"arms": {"a": {"leaky_slope": 9}}}, "[arms.a]: leaky_slope is 9"),
        ({"arms": {"a": {}, "b": {"dropout": 0.3}}}, "[arms]: 'a' and 'b' are the same"),
        ({"base": {"seed": 2**31 - 2}}, "seed 2,147,483,646 leaves no room for 3 seeds"),
        ({"arms": {"a": {}, "b": {"images": 900}}}, "images 900 in 9 reports leave less than one"),
    ],
)
def test_what_does_not_fit_is_one_line(tables: dict[str, Any], message: str):
    with pytest.raises(InputError) as caught:
        declared(**tables)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": ""}, "[claim]: text takes text"),
        ({"tests": []}, "[claim]: tests is empty"),
        ({"tests": 3}, "[claim]: tests takes tables"),
        ({"tests": [{**TEST, "better": "c"}]}, "[claim]: no arm 'c'; known: a, b"),
        ({"tests": [{**TEST, "than": "b"}]}, "[claim]: arm 'b' is compared with itself"),
        ({"tests": [{**TEST, "outcome": "beauty"}]}, "[claim]: outcome is 'beauty'; known: "),
        ({"tests": [{**TEST, "smallest_effect": -1}]}, "[claim]: smallest_effect takes a number"),
        ({"tests": [{**TEST, "kind": "guess"}]}, "[claim]: kind is 'guess'; allowed: comparison"),
        ({"tests": [{**TEST, "predictor": "kid"}]}, "[claim]: unknown key 'predictor' in a test"),
        (
            {"tests": [{"outcome": "fid"}]},
            "[claim]: a test of kind comparison needs smallest_effect",
        ),
        ({"tests": [{**TEST, "scale": "log"}]}, "[claim]: scale is 'log'; allowed: difference"),
    ],
)
def test_a_claim_that_is_wrong_is_one_line(changes: dict[str, Any], message: str):
    with pytest.raises(InputError) as caught:
        declared(claim={**CLAIM, **changes})
    assert str(caught.value).startswith(message)


def test_a_claim_may_read_the_runs_of_another_study():
    test = {
        "kind": "weak_correlation",
        "outcome": "fid",
        "predictor": "g_loss",
        "smallest_effect": 0.5,
    }
    claim = {**CLAIM, "runs_of": "other", "tests": [test]}
    spec = declared(arms={}, seeds=1, claim=claim)
    assert spec.claim is not None
    assert spec.claim.tests[0].direction == "minimize"
    with pytest.raises(InputError, match="runs_of other leaves no trials to run"):
        declared(claim=claim)


def test_the_number_of_seeds_can_be_raised():
    spec = declared().with_seeds(8)
    assert spec.search.num_trials == 16
    with pytest.raises(InputError, match="--seeds is for studies with"):
        StudySpec.from_dict({"question": "?"}, name="s").with_seeds(8)


def test_a_field_in_which_arms_differ_cannot_be_fixed():
    assert declared().with_settings(["optimizer=sgd"]).base["optimizer"] == "sgd"
    with pytest.raises(InputError, match="leaky_slope differs between the arms"):
        declared().with_settings(["leaky_slope=0.1"])


def test_smoke_runs_every_arm_once_at_the_small_size():
    arms = {"wide": {"width": 2.0, "optimizer": "sgd"}, "narrow": {"width": 0.5}}
    spec = declared(arms=arms).smoke()
    assert spec.search.num_trials == 2
    assert spec.arms == Arms({"wide": {"optimizer": "sgd"}, "narrow": {}}, 1)
    assert spec.base_config().width == 0.125


def test_a_single_trial_has_neither_arms_nor_claim():
    spec = declared(claim=CLAIM).single_trial()
    assert (spec.arms, spec.claim) == (None, None)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"top": 0}, "[confirm]: top takes a whole number from 1"),
        ({"seeds": 1}, "[confirm]: seeds takes a whole number from 2"),
        ({"max_seeds": 4}, "[confirm]: max_seeds takes a whole number from 5"),
        ({"tops": 3}, "[confirm]: unknown key 'tops' in the table; known: top, seeds, max_seeds"),
    ],
)
def test_a_confirmation_that_is_wrong_is_one_line(table: dict[str, Any], message: str):
    with pytest.raises(InputError) as caught:
        declared(arms={}, seeds=1, confirm=table)
    assert str(caught.value).startswith(message)
