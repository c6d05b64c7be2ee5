"""Which normalization the discriminator has, and what it computes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.registry import ARCHITECTURES
from harness.models.layers.layer_normalization import LayerNormalization
from harness.models.networks import build_networks, check_supported

KINDS = {
    "batch": keras.layers.BatchNormalization,
    "layer": LayerNormalization,
    "spectral": keras.layers.SpectralNormalization,
}
# Layers with weights of each discriminator, without normalization; the first is not normalized.
DEPTH = {"latent_conv": 4, "mlp": 3, "radford": 4, "tutorial": 3, "upsampling": 5}


def built(name, normalization="auto", **fields):
    config = TrialConfig(
        architecture=name, width=0.0625, discriminator_normalization=normalization, **fields
    )
    return build_networks(config, (28, 28, 1), 10)


def counts(network):
    """Kind of normalization -> how many layers of the network are of it, those with any alone."""
    found = {k: sum(type(x) is kind for x in network.layers) for k, kind in KINDS.items()}
    return {kind: count for kind, count in found.items() if count}


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_the_discriminator_has_what_is_asked_for_and_the_generator_keeps_its_own(name):
    depth = DEPTH[name]
    expected = {
        "batch": {"batch": depth - 2},
        "layer": {"layer": depth - 2},
        "none": {},
        "spectral": {"spectral": depth},
    }
    plain = counts(built(name).generator)
    assert set(plain) == {"batch"}
    for normalization, there in expected.items():
        generator, discriminator = built(name, normalization)
        assert counts(discriminator) == there
        assert counts(generator) == plain


@pytest.mark.parametrize("name", ARCHITECTURES.names())
def test_auto_is_what_was_published_where_there_is_normalization_at_all(name):
    published = {"batch": DEPTH[name] - 2} if name in ("latent_conv", "radford") else {}
    assert counts(built(name).discriminator) == published
    config = TrialConfig(architecture=name, width=0.0625, normalization="none")
    assert counts(build_networks(config, (28, 28, 1), 10).discriminator) == {}


def test_batch_is_the_published_network_where_it_was_published():
    for name in ("latent_conv", "radford"):
        auto, asked = built(name).discriminator, built(name, "batch").discriminator
        for one, other in zip(auto.get_weights(), asked.get_weights(), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["mlp", pytest.param("tutorial", marks=pytest.mark.slow)])
def test_spectral_normalization_brings_largest_singular_values_to_1(name):
    """Power iteration: the estimate comes nearer with every pass in training mode."""
    discriminator = built(name, "spectral").discriminator
    images = np.random.default_rng(0).uniform(-1, 1, (4, 28, 28, 1)).astype(np.float32)
    for _ in range(60):
        discriminator(images, training=True)
    kernels = [v for v in discriminator.trainable_variables if v.name == "kernel"]
    assert len(kernels) == DEPTH[name]
    for kernel in kernels:
        matrix = kernel.numpy().reshape(-1, kernel.shape[-1])
        assert np.linalg.norm(matrix, 2) == pytest.approx(1.0, rel=0.02)
    before = [kernel.numpy() for kernel in kernels]
    discriminator(images, training=False)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, kernels, strict=True))


def test_kernels_that_are_written_back_are_not_rounded_to_bfloat16():
    discriminator = built("tutorial", "spectral", precision="bfloat16").discriminator
    images = np.zeros((2, 28, 28, 1), np.float32)
    discriminator(images, training=True)
    kernel = next(v for v in discriminator.trainable_variables if v.name == "kernel").numpy()
    assert kernel.dtype == np.float32
    bits = kernel.view(np.uint32) & 0xFFFF  # the digits that bfloat16 has not
    assert np.mean(bits != 0) > 0.9
    inner = discriminator.layers[0].layer
    assert inner.compute_dtype == "bfloat16"


def test_layer_normalization_is_that_of_keras_over_all_values_of_an_image():
    maps = np.random.default_rng(0).normal(2, 3, (4, 5, 6, 3))
    own, other = (
        LayerNormalization(dtype="float64"),
        keras.layers.GroupNormalization(1, dtype="float64"),
    )
    for layer in (own, other):
        layer.build(maps.shape)
        layer.set_weights([np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -1.0])])
    np.testing.assert_allclose(own(maps), other(maps), rtol=1e-10, atol=1e-12)
    half = LayerNormalization(dtype="mixed_bfloat16")(maps.astype(np.float32))
    assert half.dtype == "bfloat16"


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"architecture": "radford"}, True),
        ({"architecture": "radford", "normalization": "none"}, False),
        ({"architecture": "radford", "discriminator_normalization": "layer"}, False),
        ({"architecture": "tutorial"}, False),
        ({"architecture": "tutorial", "discriminator_normalization": "batch"}, True),
    ],
)
def test_a_penalty_needs_logits_that_depend_on_their_image_alone(fields, refused):
    check_supported(TrialConfig(**fields))
    config = TrialConfig(penalty="r1", **fields)
    if not refused:
        check_supported(config)
        return
    with pytest.raises(InputError) as caught:
        check_supported(config)
    assert str(caught.value) == (
        "penalty r1 and batch normalization of the discriminator exclude each other "
        f"(architecture {config.architecture}); "
        "allowed with it: discriminator_normalization = layer, none or spectral"
    )
