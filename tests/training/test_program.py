"""Trials that share a program: each is what it is alone, bit for bit, and nothing is compiled."""

from __future__ import annotations

import dataclasses
import gc
import weakref

import keras
import numpy as np
import pytest

from harness.core.config import CHOICES, FIELDS, TrialConfig
from harness.core.errors import InputError
from harness.core.registry import ARCHITECTURES, PROCEDURES
from harness.data.load import load_dataset
from harness.models.networks import Networks, build_networks
from harness.training import loop
from harness.training.loop import Trainer
from harness.training.program import Programs
from harness.training.program_key import INPUTS, program_key

TINY = TrialConfig(width=0.0625, batch_size=16, images=160, latent_dim=8)
OTHERS = {
    "seed": 5,
    "learning_rate": 3e-3,
    "discriminator_learning_rate_ratio": 2.0,
    "leaky_slope": 0.37,
    "dropout": 0.11,
    "images": 999,
    "initialisation": "normal",
    "penalty_weight": 2.5,
}
"""Another value for inputs that make no other layers."""


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def programs(monkeypatch) -> Programs:
    """The programs of this test alone."""
    own = Programs()
    monkeypatch.setattr(loop, "PROGRAMS", own)
    return own


def outcome(trainer, milestones=(48, 80)):
    """Everything that a trial leaves: losses, variables, images."""
    reports = list(trainer.run(milestones))
    numbers = [report.metrics[name] for report in reports for name in loop.STEP_METRICS]
    variables = [np.asarray(v.numpy()) for v in trainer.variables]
    return [np.array(numbers), *variables, trainer.generate(20)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def compilations(trainer):
    program = trainer._program
    return [f.experimental_get_tracing_count() for f in (program.advance, program.generate)]


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        *(
            pytest.param(
                {"procedure": name}, {}, marks=() if name == "stacked" else pytest.mark.slow
            )
            for name in PROCEDURES.names()
        ),
        *(
            pytest.param({"optimizer": name}, {}, marks=pytest.mark.slow)
            for name in CHOICES["optimizer"]
        ),
        pytest.param(
            {"conditional": "labels", "augmentation": "classic", "pixel_scaling": "minmax"},
            {"pixel_scaling": "unit"},
            id="inputs of the data",
            marks=pytest.mark.slow,
        ),
        *(
            pytest.param({"architecture": name}, {}, marks=pytest.mark.slow)
            for name in ARCHITECTURES.names()
        ),
        pytest.param({"precision": "bfloat16"}, {}, marks=pytest.mark.slow),
        pytest.param({"convolution": "transform"}, {}, marks=pytest.mark.slow),
        pytest.param({"ema": 0.5}, {"images": 160}, marks=pytest.mark.slow),
        pytest.param(
            {
                "augmentation": "diffaugment",
                "packing": 2,
                "discriminator_normalization": "spectral",
            },
            {},
            id="nested",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {
                "penalty": "gradient",
                "loss": "wasserstein",
                "discriminator_steps": 2,
                "batch_size": 8,
            },
            {},
            id="penalty",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_next_trial_of_a_program_is_what_it_is_alone(changes, before, digits, programs):
    config = TINY.replace(**changes)
    alone = outcome(Trainer(config, digits))
    with Trainer(config.replace(**{**OTHERS, **before}), digits) as first:
        assert not same(outcome(first), alone)
        program = first._program
    with Trainer(config, digits) as second:
        assert second._program is program
        assert same(outcome(second), alone)
        assert compilations(second) == [1, 1]


@pytest.mark.slow
def test_the_weight_of_a_penalty_reaches_the_program(digits, programs):
    config = TINY.replace(architecture="mlp", penalty="r1")
    with Trainer(config, digits) as first:
        heavy = outcome(first)
    with Trainer(config.replace(penalty_weight=0.1), digits) as second:
        assert not same(outcome(second), heavy)


@pytest.mark.slow
def test_a_trial_that_fails_leaves_nothing_to_the_next(digits, programs):
    alone = outcome(Trainer(TINY, digits))
    with pytest.raises(InputError), Trainer(TINY, digits) as first:
        first.generate_labelled(len(outcome(first)))  # a trainer without labels
    with Trainer(TINY, digits) as second:
        assert same(outcome(second), alone)


@pytest.mark.slow
def test_trainers_that_are_used_at_once_share_nothing(digits, programs):
    with Trainer(TINY, digits) as first, Trainer(TINY, digits) as second:
        assert first._program is not second._program
        before = [v.numpy() for v in second.variables]
        outcome(first)
        assert same(before, [v.numpy() for v in second.variables])


def key(digits, **changes):
    config = TINY.replace(**changes)
    networks = build_networks(config, digits.image_shape, digits.num_classes)
    return program_key(config, digits, networks)


@pytest.mark.slow
def test_a_field_is_part_of_the_key_unless_it_is_an_input(digits):
    """Also one that will be added: the key holds all fields but those that are listed."""
    whole = key(digits)
    differ = {name for name in FIELDS if getattr(whole.config, name) != getattr(TINY, name)}
    assert differ <= set(INPUTS) < set(FIELDS)
    for name, value in OTHERS.items():
        assert key(digits, **{name: value}) == whole, name
    others = {"beta_1": 0.6, "batch_size": 17, "latent_distribution": "uniform"}
    others |= {"optimizer": "sgd", "width": 0.125, "augmentation": "classic", "head": "gap"}
    for name, value in others.items():
        assert key(digits, **{name: value}) != whole, name


@pytest.mark.slow
def test_what_an_input_makes_of_the_layers_is_part_of_the_key(digits):
    assert key(digits, dropout=0.0) != key(digits, dropout=0.1)
    assert key(digits, pixel_scaling="unit") != key(digits)  # sigmoid in place of tanh
    assert key(digits, pixel_scaling="unit") == key(digits, pixel_scaling="maxabs")
    augmented = {"augmentation": "diffaugment", "output_activation": "tanh"}  # by the range
    assert key(digits, **augmented, pixel_scaling="unit") != key(digits, **augmented)
    assert key(digits, **augmented, seed=1) == key(digits, **augmented)
    assert key(digits, ema=0.1, images=999) != key(digits, ema=0.1)  # a share of the images


def test_layers_that_hold_an_input_as_a_constant_are_others(digits):
    """An architecture with Keras's own LeakyReLU: a program for each slope."""

    def keyed(slope):
        layers = [keras.Input((8,)), keras.layers.LeakyReLU(slope)]
        networks = Networks(keras.Sequential(layers), keras.Sequential([keras.Input((8,))]))
        return program_key(TINY.replace(leaky_slope=slope), digits, networks)

    assert keyed(0.1) == keyed(0.1)
    assert keyed(0.1) != keyed(0.2)


def test_networks_that_may_compute_anything_are_never_shared(digits):
    class Own(keras.Model):
        pass

    networks = Networks(Own(), Own())
    assert program_key(TINY, digits, networks) != program_key(TINY, digits, networks)


def test_other_data_is_another_program(digits):
    fewer = dataclasses.replace(digits, x_train=digits.x_train[:99], y_train=digits.y_train[:99])
    assert key(fewer) != key(digits)


@pytest.mark.slow
def test_only_those_that_were_used_last_are_kept(digits, monkeypatch):
    monkeypatch.setattr(loop, "PROGRAMS", Programs(limit=2))
    seen = []
    for batch_size in (4, 5, 6, 5):
        with Trainer(TINY.replace(batch_size=batch_size), digits) as trainer:
            seen.append(weakref.ref(trainer._program))
    del trainer
    gc.collect()
    assert seen[0]() is None
    assert seen[3]() is seen[1]() is not None
    assert seen[2]() is not None
