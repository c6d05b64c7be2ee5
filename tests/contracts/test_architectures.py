"""Every registered architecture, in every variant that it says it supports, keeps the contract."""

import dataclasses
import itertools

import numpy as np
import pytest

from harness.core.config import CHOICES, TrialConfig
from harness.core.errors import InputError
from harness.core.registry import ARCHITECTURES, PROCEDURES
from harness.models.game import build_game
from harness.models.networks import build_networks, build_optimizers
from harness.training.procedures import Batch
from tests.support.pairwise import pairs_of, pairwise

ALONE = ("discriminator_normalization", "minibatch_std")
"""Fields that are tried one by one, below, and not with every value of the others."""

VARIANTS = [
    (name, dict(zip(supports, values, strict=True)))
    for name in ARCHITECTURES.names()
    for supports in [{f: v for f, v in ARCHITECTURES.get(name).supports.items() if f not in ALONE}]
    for values in itertools.product(*supports.values())
    if "auto" not in values  # which is one of the others
] + [(name, {"conditional": "labels"}) for name in ARCHITECTURES.names()]


def variants_with(field, values):
    """Every variant with every value of ``field``; slow but for a few that hold every pair."""
    cases = [(name, variant, value) for name, variant in VARIANTS for value in values]
    fast = pairwise([{"name": n, "conditional": "none", **v, field: x} for n, v, x in cases])
    return [
        pytest.param(
            *case, marks=() if index in fast else pytest.mark.slow, id=" ".join(map(str, case))
        )
        for index, case in enumerate(cases)
    ]


CHANNELS = variants_with("channels", [1, 3])
STEPS = variants_with("procedure", PROCEDURES.names())


@pytest.mark.parametrize("cases", [CHANNELS, STEPS])
def test_every_pair_of_values_occurs_in_the_first_tier(cases):
    def pairs(chosen):
        found = ({"name": n, "last": last, **variant} for n, variant, last in chosen)
        return set().union(*map(pairs_of, found))

    first = [case.values for case in cases if not case.marks]
    assert pairs(first) == pairs(case.values for case in cases)
    assert len(first) < len(cases) / 3


# Total parameters of generator and discriminator at width 1, latent_dim 100, 28x28x1; batch
# normalization counts 4 for each channel. tutorial, upsampling, mlp: the sums that the published
# code prints. radford and latent_conv have no published 28x28 version; kernel x kernel x in x out,
# without biases:
#   radford G: 100 * 8192 + 4 * 8192, 25 * 512 * 256 + 4 * 256, 25 * 256 * 128 + 4 * 128, 25 * 128
#   radford D: 25 * 128, 25 * 128 * 256 + 4 * 256, 25 * 256 * 512 + 4 * 512, 8192
#   latent_conv G: 16 * 100 * 256 + 4 * 256, 9 * 256 * 128 + 4 * 128, 16 * 128 * 64 + 4 * 64,
#                  16 * 64
#   latent_conv D: 16 * 64, 16 * 64 * 128 + 4 * 128, 9 * 128 * 256 + 4 * 256, 16 * 256
PUBLISHED_PARAMETERS = {
    "latent_conv": (838_400, 432_640),
    "mlp": (1_493_520, 533_505),
    "radford": (4_952_704, 4_110_464),
    "tutorial": (2_330_944, 212_865),
    "upsampling": (2_394_241, 4_311_553),
}


def told(config, count):
    """Labels of ``count`` images, one hot for ten classes; (count, 0) if networks get none."""
    num_labels = 10 if config.conditional == "labels" else 0
    return np.eye(10, dtype=np.float32)[np.arange(count) % 10, :num_labels]


def small(name, **fields):
    return TrialConfig(architecture=name, width=0.0625, batch_size=8, latent_dim=7, **fields)


@pytest.mark.parametrize(("name", "variant", "channels"), CHANNELS)
def test_shapes_and_output_range(name, variant, channels):
    config = small(name, **variant)
    networks, labels = build_networks(config, (28, 28, channels), 10), told(config, 5)
    noise = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    images = np.asarray(networks.generate(noise, labels, training=False))
    assert images.shape == (5, 28, 28, channels)
    assert images.dtype == np.float32
    assert np.abs(images).max() <= 1  # tanh
    logits = np.asarray(networks.judge(images, labels))
    assert logits.shape == (5, 1)
    assert logits.dtype == np.float32


@pytest.mark.parametrize("name", ARCHITECTURES.names())
@pytest.mark.parametrize(
    ("scaling", "low", "high"),
    [("centered", -1, 1), ("unit", 0, 1), pytest.param("minmax", 0, 1, marks=pytest.mark.slow)],
)
def test_auto_activation_covers_the_range_of_the_scaling(name, scaling, low, high):
    generator, _ = build_networks(small(name, pixel_scaling=scaling), (28, 28, 1), 10)
    noise = np.random.default_rng(0).normal(scale=1e7, size=(20, 7))
    images = np.asarray(generator(noise, training=False))
    assert low <= images.min()
    assert images.max() <= high
    assert images.min() < low + 0.2 * (high - low)
    assert images.max() > high - 0.2 * (high - low)


def one_step(config):
    """What one step of ``config`` tells; it moves every trainable variable."""
    networks = build_networks(config, (28, 28, 1), 10)
    optimizers = build_optimizers(config, networks)
    before = [[np.array(v) for v in network.trainable_variables] for network in networks]
    rng = np.random.default_rng(0)
    record = PROCEDURES.get(config.procedure)
    real = rng.uniform(-1, 1, (8, 28, 28, 1)).astype(np.float32)
    noise = rng.normal(size=(record.noise_batches, 8, 7)).astype(np.float32)
    labels = np.stack([told(config, 8)] * (1 + record.noise_batches))
    batch = Batch(real, labels[0], noise, labels[1:])
    step = record.step(networks, optimizers, build_game(config), batch)
    for network, values in zip(networks, before, strict=True):
        for variable, value in zip(network.trainable_variables, values, strict=True):
            after = np.array(variable)
            assert np.isfinite(after).all(), variable.path
            assert not np.array_equal(after, value), variable.path
    assert np.isfinite([float(step.d_loss), float(step.g_loss)]).all()
    return step


# Lion steps by the sign of the gradient: a small one shows, only a missing one does not.
LION = {"optimizer": "lion", "learning_rate": 1e-3}


@pytest.mark.parametrize(("name", "variant", "procedure"), STEPS)
def test_one_step_moves_every_trainable_variable(name, variant, procedure):
    step = one_step(small(name, procedure=procedure, **LION, **variant))
    assert step.real_logits.shape == (8, 1)
    assert step.fake_logits.shape == (8, 1)


def alone(fields):
    """Every architecture with each of ``fields``; slow but for the cheapest with all of them."""
    return [
        pytest.param(name, field, marks=() if name == "mlp" else pytest.mark.slow)
        for name in ARCHITECTURES.names()
        for field in fields
    ]


@pytest.mark.parametrize(
    ("name", "normalization"),
    alone([one for one in CHOICES["discriminator_normalization"] if one != "auto"]),
)
def test_every_normalization_of_the_discriminator_trains(name, normalization):
    one_step(small(name, discriminator_normalization=normalization, **LION))


@pytest.mark.parametrize(
    ("name", "fields"),
    alone(
        [
            {"minibatch_std": "batch"},
            {"packing": 2},
            {"augmentation": "diffaugment", "packing": 4, "conditional": "labels"},
        ]
    ),
)
def test_every_remedy_trains(name, fields):
    step = one_step(small(name, **fields, **LION))
    logits = 8 // fields.get("packing", 1)
    assert step.real_logits.shape == step.fake_logits.shape == (logits, 1)


@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_parameter_count_is_the_published_one(name):
    networks = build_networks(TrialConfig(architecture=name), (28, 28, 1), 10)
    counts = tuple(network.count_params() for network in networks)
    assert counts == PUBLISHED_PARAMETERS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_the_discriminator_is_widened_alone(name):
    def parameters(ratio):
        config = TrialConfig(architecture=name, width=0.25, discriminator_width_ratio=ratio)
        return [network.count_params() for network in build_networks(config, (28, 28, 3), 10)]

    quarter, half, whole, double = (parameters(ratio) for ratio in (0.25, 0.5, 1.0, 2.0))
    assert quarter[0] == half[0] == whole[0] == double[0]
    assert quarter[1] < half[1] < whole[1] < double[1]


@pytest.mark.parametrize("name", ARCHITECTURES.names())
@pytest.mark.parametrize(
    "initialisation",
    [
        "auto",
        *(pytest.param(name, marks=pytest.mark.slow) for name in CHOICES["initialisation"][1:]),
    ],
)
def test_same_seed_same_weights_another_seed_others(name, initialisation):
    def weights(seed):
        config = small(name, seed=seed, initialisation=initialisation)
        networks = build_networks(config, (28, 28, 1), 10)
        return np.concatenate([np.ravel(w) for n in networks for w in n.get_weights()])

    first = weights(1)
    assert np.array_equal(weights(1), first)
    assert not np.array_equal(weights(2), first)


@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_every_choice_of_what_is_limited_builds_or_is_refused_with_the_list(name):
    for field, allowed in ARCHITECTURES.get(name).supports.items():
        assert set(allowed) <= set(CHOICES[field])
        for value in set(CHOICES[field]) - set(allowed):
            text = f"architecture {name} does not support {field} = '{value}'; allowed: "
            with pytest.raises(InputError, match=text + ", ".join(allowed)):
                build_networks(small(name, **{field: value}), (28, 28, 1), 10)


@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_what_is_not_supported_is_refused_with_the_list(name):
    record = ARCHITECTURES.get(name)
    assert record.source
    for field, allowed in record.supports.items():
        narrowed = dataclasses.replace(record, supports={field: allowed[:1]})
        refused = TrialConfig(architecture=name).replace(**{field: allowed[-1]})
        if allowed[-1] == allowed[0]:
            continue
        with pytest.raises(InputError, match=f"{field} = '{allowed[-1]}'.*{allowed[0]}"):
            narrowed.check(refused)
