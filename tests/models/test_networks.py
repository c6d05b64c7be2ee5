import keras
import pytest

from harness.core.config import CHOICES, TrialConfig
from harness.models.networks import build_networks, build_optimizers
from harness.models.optimizers import make_optimizer

CLASSES = {
    "adam": keras.optimizers.Adam,
    "lion": keras.optimizers.Lion,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


@pytest.mark.parametrize("name", CHOICES["optimizer"])
def test_every_optimizer_is_the_one_of_keras_with_its_learning_rate(name):
    optimizer = make_optimizer(name, 0.003, 0.7)
    assert type(optimizer) is CLASSES[name]
    assert float(optimizer.learning_rate.numpy()) == pytest.approx(0.003)


def test_beta_1_is_the_first_moment_or_the_momentum():
    for name in ("adam", "lion", "nadam"):
        assert make_optimizer(name, 0.1, 0.7).beta_1 == 0.7
    assert make_optimizer("sgd", 0.1, 0.7).momentum == 0.7
    assert make_optimizer("rmsprop", 0.1, 0.7).momentum == 0.0


def test_the_ratio_scales_the_discriminators_learning_rate_alone():
    config = TrialConfig(width=0.0625, learning_rate=0.01, discriminator_learning_rate_ratio=4)
    generator, discriminator = build_optimizers(config, build_networks(config, (28, 28, 1), 10))
    assert float(generator.learning_rate.numpy()) == pytest.approx(0.01)
    assert float(discriminator.learning_rate.numpy()) == pytest.approx(0.04)


def test_leaky_slope_and_dropout_reach_their_layers():
    config = TrialConfig(width=0.0625, leaky_slope=0.37, dropout=0.11)
    for network in build_networks(config, (28, 28, 1), 10):
        for layer in network.layers:
            if isinstance(layer, keras.layers.LeakyReLU):
                assert layer.negative_slope == pytest.approx(0.37)
            if isinstance(layer, keras.layers.Dropout):
                assert layer.rate == pytest.approx(0.11)
    for kind in (keras.layers.LeakyReLU, keras.layers.Dropout):
        assert any(isinstance(layer, kind) for layer in network.layers)


def test_bfloat16_computes_in_bfloat16_and_leaves_the_global_policy_alone():
    before = keras.config.dtype_policy().name
    generator, discriminator = build_networks(
        TrialConfig(width=0.0625, precision="bfloat16"), (28, 28, 1), 10
    )
    assert generator.layers[0].compute_dtype == "bfloat16"
    assert generator.trainable_variables[0].dtype == "float32"
    assert generator.layers[-1].compute_dtype == "float32"
    assert discriminator.layers[-1].compute_dtype == "float32"
    assert keras.config.dtype_policy().name == before
