"""Which weights are drawn anew, and from which distribution."""

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.models.networks import build_networks


def weights(architecture, **fields):
    """Name of the variable ("kernel", "gamma", ...) -> its values in both networks, one array."""
    config = TrialConfig(architecture=architecture, width=0.25, **fields)
    found = {}
    for network in build_networks(config, (28, 28, 1), 10):
        for variable in network.trainable_variables:
            found.setdefault(variable.name, []).append(np.ravel(variable))
    return {name: np.concatenate(values) for name, values in found.items()}


@pytest.mark.parametrize("architecture", ["latent_conv", "radford"])
def test_the_publications_normal_is_the_default(architecture):
    drawn, asked = weights(architecture), weights(architecture, initialisation="normal")
    assert all(np.array_equal(drawn[name], asked[name]) for name in drawn)


@pytest.mark.parametrize("architecture", ["mlp", "tutorial", "upsampling"])
def test_glorot_is_the_default_elsewhere(architecture):
    drawn, asked = weights(architecture), weights(architecture, initialisation="glorot")
    assert all(np.array_equal(drawn[name], asked[name]) for name in drawn)
    other = weights(architecture, initialisation="normal")
    assert not np.array_equal(drawn["kernel"], other["kernel"])


@pytest.mark.parametrize("architecture", ["latent_conv", "mlp", "radford", "tutorial"])
def test_normal_is_n_0_002_for_kernels_and_n_1_002_for_scales(architecture):
    drawn = weights(architecture, initialisation="normal")
    for name, mean in (("kernel", 0.0), ("gamma", 1.0)):
        # five standard errors: of the mean 0.02 / sqrt(n), of the deviation 0.02 / sqrt(2 n)
        error = 5 * 0.02 / np.sqrt(len(drawn[name]))
        assert abs(drawn[name].mean() - mean) < error
        assert abs(drawn[name].std() - 0.02) < error / np.sqrt(2)
    for name in {"bias", "beta"} & set(drawn):
        assert not drawn[name].any()


def test_glorot_is_uniform_within_the_limit_of_its_fans():
    config = TrialConfig(architecture="radford", initialisation="glorot", latent_dim=100)
    generator, _ = build_networks(config, (28, 28, 1), 10)
    kernel = np.asarray(generator.layers[0].kernel)  # 100 x 8192
    limit = np.sqrt(6 / (100 + 8192))  # Glorot and Bengio 2010, equation 16
    assert np.abs(kernel).max() <= limit
    assert np.abs(kernel).max() > 0.999 * limit
