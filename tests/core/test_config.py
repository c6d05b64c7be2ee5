"""TrialConfig: every bound and every choice, and what the errors say."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.config import (
    ADDED,
    BOUNDS,
    CHOICES,
    FIELD_DEFAULTS,
    FIELD_TYPES,
    FIELDS,
    REGISTRIES,
    TrialConfig,
    parse_value,
)
from harness.core.errors import InputError

ROOM = {
    "batch_size": {"images": 10**9},
    "images": {"batch_size": 2},
    "packing": {"batch_size": 840},
}
"""What fields that constrain each other need to reach their own bounds."""


def build(**values: object) -> TrialConfig:
    room = {name: value for field in values for name, value in ROOM.get(field, {}).items()}
    return TrialConfig.from_dict({**room, **values})


def refusal(**values: object) -> str:
    with pytest.raises(InputError) as caught:
        build(**values)
    return str(caught.value)


def test_every_field_is_checked_against_something():
    assert set(FIELDS) == set(CHOICES) | set(BOUNDS) | set(REGISTRIES) | {"dataset"}
    for field in dataclasses.fields(TrialConfig):
        assert FIELD_TYPES[field.name] == type(field.default).__name__


def test_fields_of_the_design_are_there():
    design = (
        "dataset architecture width discriminator_width_ratio latent_dim latent_distribution "
        "normalization downsampling head dropout initialisation conditional procedure "
        "optimizer learning_rate beta_1 discriminator_learning_rate_ratio "
        "leaky_slope pixel_scaling output_activation batch_size images augmentation precision "
        "convolution ema image_size training_images seed loss real_label penalty penalty_weight "
        "discriminator_steps discriminator_normalization packing minibatch_std"
    )
    assert set(FIELDS) == set(design.split())


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_closed(name: str):
    for bound in BOUNDS[name]:
        assert getattr(build(**{name: bound}), name) == bound


@pytest.mark.parametrize("name", BOUNDS)
def test_outside_the_bounds_is_refused_with_value_and_bounds(name: str):
    low, high = BOUNDS[name]
    step = 1 if FIELD_TYPES[name] == "int" else 1e-9
    for value in (low - step, high + high * step):
        text = refusal(**{name: value})
        assert text.startswith(f"{name} is {value!r}; allowed: ")
        shown_low, shown_high = text.split("allowed: ")[1].replace(",", "").split(" to ")
        assert (float(shown_low), float(shown_high)) == (low, high)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400)])
def test_numbers_without_a_place_are_refused(name: str, value: float):
    assert refusal(**{name: value}).startswith(f"{name} is ")


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [True, None, "0.5", [1], {"low": 1}, 1j])
def test_what_is_no_number_is_refused(name: str, value: object):
    text = refusal(**{name: value})
    assert text.startswith(f"{name} takes a ")
    assert repr(value) in text


@pytest.mark.parametrize("name", [name for name, kind in FIELD_TYPES.items() if kind == "int"])
def test_whole_numbers_may_be_written_as_floats_but_stay_whole(name: str):
    whole = int(min(128, BOUNDS[name][1]))
    value = getattr(build(**{name: float(whole)}), name)
    assert (value, type(value)) == (whole, int)
    text = refusal(**{name: whole - 0.5})
    assert text == f"{name} takes a whole number, got {whole - 0.5}"


def test_floats_may_be_written_as_whole_numbers():
    config = TrialConfig(width=2)
    assert (config.width, type(config.width)) == (2.0, float)


@pytest.mark.parametrize("name", CHOICES)
def test_choices_are_taken_and_others_refused_with_the_list(name: str):
    for choice in CHOICES[name]:
        assert getattr(build(**{name: choice}), name) == choice
    text = refusal(**{name: "sgdx"})
    assert text == f"{name} is 'sgdx'; allowed: {', '.join(CHOICES[name])}"
    assert "takes text, got 3" in refusal(**{name: 3})


@pytest.mark.parametrize(("name", "registry"), REGISTRIES.items())
def test_names_from_folders_are_refused_with_the_list(name: str, registry: object):
    text = refusal(**{name: "resnet9000"})
    assert text == f"unknown {name} 'resnet9000'; known: {', '.join(registry.names())}"


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "two\nlines", "\udcff"])
def test_dataset_must_be_able_to_name_something(text: str):
    message = refusal(dataset=text)
    assert message.startswith("dataset is ")
    assert "\n" not in message


def test_a_batch_cannot_exceed_the_budget():
    assert TrialConfig(batch_size=256, images=256).images == 256
    assert refusal(batch_size=256, images=255) == "batch_size 256 exceeds images 255"


def test_a_step_of_several_batches_cannot_exceed_the_budget():
    config = TrialConfig(batch_size=64, discriminator_steps=5, images=320)
    assert config.images_per_step == 320
    text = refusal(batch_size=64, discriminator_steps=5, images=319)
    assert text == "5 discriminator_steps of batch_size 64 exceeds images 319"


def test_a_batch_is_whole_packs():
    assert TrialConfig(batch_size=66, packing=3).packing == 3
    assert refusal(batch_size=64, packing=3) == "batch_size 64 is no multiple of packing 3"


def test_unknown_field_lists_the_known_ones():
    text = refusal(lr=0.1)
    assert text == f"unknown field 'lr'; known: {', '.join(FIELDS)}"


def test_a_long_value_is_shown_short():
    assert len(refusal(optimizer="x" * 10_000)) < 200
    assert len(refusal(seed=1 << 100_000)) < 200  # repr of such a number raises ValueError


@pytest.mark.parametrize(
    ("scaling", "activation", "resolved"),
    [
        ("centered", "auto", "tanh"),
        ("unit", "auto", "sigmoid"),
        ("minmax", "auto", "sigmoid"),
        ("maxabs", "auto", "sigmoid"),
        ("centered", "linear", "linear"),
        ("unit", "tanh", "tanh"),
    ],
)
def test_output_activation_follows_the_scaling(scaling: str, activation: str, resolved: str):
    config = TrialConfig(pixel_scaling=scaling, output_activation=activation)
    assert config.resolved_output_activation == resolved


def test_replace_changes_a_copy_and_validates():
    config = TrialConfig()
    assert config.replace(leaky_slope=0.1).leaky_slope == 0.1
    assert config.leaky_slope == 0.2
    with pytest.raises(InputError, match=r"leaky_slope is 0\.6; allowed: 0 to 0\.5"):
        config.replace(leaky_slope=0.6)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("images", "600_000", 600_000),
        ("images", "1e5", 100_000),
        ("learning_rate", "2e-4", 2e-4),
        ("width", "1", 1.0),
        ("optimizer", "adam", "adam"),
        ("dataset", "some/file.npz", "some/file.npz"),
    ],
)
def test_settings_are_read_as_the_type_of_the_field(name: str, text: str, value: object):
    parsed = parse_value(name, text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("images", "many", "images takes a whole number, got 'many'"),
        ("images", "", "images takes a whole number, got ''"),
        ("latent_dim", "1.5", "latent_dim takes a whole number, got 1.5"),
        ("width", "nan", "width is nan; allowed: 0.0625 to 4"),
        ("optimizer", "adamw", "optimizer is 'adamw'; allowed: adam, lion, nadam, rmsprop, sgd"),
    ],
)
def test_settings_that_do_not_fit_are_refused(name: str, text: str, message: str):
    with pytest.raises(InputError) as caught:
        parse_value(name, text)
    assert str(caught.value) == message


def outcome(call: Callable[..., Any], *arguments: object) -> Any:
    """What ``call`` returns, or the InputError that it raises, whose text must be one line."""
    try:
        return call(*arguments)
    except InputError as error:
        text = str(error)
    assert len(text.splitlines()) == 1
    return InputError(text)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())
)
FIELD_VALUES = st.one_of(
    ANYTHING,
    st.floats(0, 1),
    st.integers(0, 10_000),
    st.sampled_from(sorted({choice for choices in CHOICES.values() for choice in choices})),
)


@given(st.dictionaries(st.one_of(st.sampled_from(FIELDS), st.text()), FIELD_VALUES))
def test_any_dictionary_gives_a_valid_configuration_or_one_line(values: dict[str, object]):
    config = outcome(TrialConfig.from_dict, values)
    if isinstance(config, TrialConfig):
        assert TrialConfig.from_dict(config.to_dict()) == config
        for name, kind in FIELD_TYPES.items():
            assert type(getattr(config, name)).__name__ == kind
            if name in BOUNDS:
                assert BOUNDS[name][0] <= getattr(config, name) <= BOUNDS[name][1]
            if name in CHOICES:
                assert getattr(config, name) in CHOICES[name]


@given(st.sampled_from(FIELDS), st.text())
def test_any_setting_gives_a_value_that_the_field_takes_or_one_line(name: str, text: str):
    value = outcome(parse_value, name, text)
    if not isinstance(value, InputError):
        assert type(value).__name__ == FIELD_TYPES[name]


def test_what_was_stored_before_a_field_is_found_by_a_configuration_that_leaves_it_alone():
    fields = TrialConfig().to_dict()
    assert TrialConfig().identity() == {n: v for n, v in fields.items() if n not in ADDED}
    for name, before in ADDED.items():
        changed = TrialConfig().replace(**{name: before})
        assert changed.identity().get(name, FIELD_DEFAULTS[name]) == before
    assert TrialConfig(loss="hinge").identity()["loss"] == "hinge"
    assert TrialConfig(convolution="direct").identity()["convolution"] == "direct"
