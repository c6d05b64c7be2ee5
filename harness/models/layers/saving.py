"""Networks as they are saved: of Keras's own layers, so that they load without this project."""

from __future__ import annotations

import keras


def with_layers_of_keras(model: keras.Model) -> keras.Model:
    """``model`` with the layer of Keras in place of every layer of this project.

    It is ``model`` itself if there is nothing to replace, else a copy of the same values that
    shares no variable.
    """
    if all(_kind_of_keras(layer) is type(layer) for layer in model.layers):
        return model
    copy = keras.models.clone_model(model, clone_function=_layer_of_keras)
    copy.set_weights(model.get_weights())
    return copy


def _layer_of_keras(layer: keras.layers.Layer) -> keras.layers.Layer:
    config, kind = layer.get_config(), _kind_of_keras(layer)
    if kind.__name__ != type(layer).__name__:
        del config["name"]  # made of the class's name
    return kind.from_config(config)


def _kind_of_keras(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """The class of ``layer``; for one of this folder, the class of Keras that it derives from."""
    kinds = type(layer).__mro__
    return next(kind for kind in kinds if not kind.__module__.startswith(__package__))
