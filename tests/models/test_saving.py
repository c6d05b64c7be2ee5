"""What is saved of a network loads where this project is not installed."""

from __future__ import annotations

import zipfile

import keras
import numpy as np

from harness.models.layers.adjustable import Dropout, LeakyReLU
from harness.models.layers.saving import with_layers_of_keras
from harness.models.layers.transform_convolution import TransformConv2DTranspose


def test_a_generator_is_saved_with_layers_of_keras_alone(tmp_path):
    model = keras.Sequential([keras.Input((7, 7, 3), name="maps")], name="generator")
    model.add(keras.layers.BatchNormalization())
    model.add(TransformConv2DTranspose(4, 5, padding="same", activation="tanh"))
    model.add(LeakyReLU(0.37))
    model.add(Dropout(0.4))
    adjusted = LeakyReLU(0.12)
    model.layers[2].adjust(adjusted)
    plain = with_layers_of_keras(model)
    assert with_layers_of_keras(plain) is plain
    kinds = keras.layers
    assert [type(layer) for layer in plain.layers] == [
        kinds.BatchNormalization,
        kinds.Conv2DTranspose,
        kinds.LeakyReLU,
        kinds.Dropout,
    ]
    assert (plain.layers[2].negative_slope, plain.layers[3].rate) == (0.12, 0.4)
    path = tmp_path / "generator.keras"
    plain.save(path)
    with zipfile.ZipFile(path) as archive:
        assert b"harness" not in archive.read("config.json")
    loaded = keras.models.load_model(path, safe_mode=True)
    maps = np.random.default_rng(0).normal(size=(2, 7, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded(maps), model(maps), rtol=0, atol=1e-6)


def test_a_layer_of_somebody_else_is_kept():
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    model = keras.Sequential([keras.Input((2,)), Twice()])
    assert with_layers_of_keras(model) is model
    model = keras.Sequential([keras.Input((2,)), Twice(), LeakyReLU(0.5)])
    assert np.asarray(with_layers_of_keras(model)(np.array([[1.0, -1.0]]))).tolist() == [[2, -1]]
