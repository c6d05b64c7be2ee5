"""The optimizers that a trial can use, as Keras has them."""

from __future__ import annotations

import keras


def make_optimizer(name: str, learning_rate: float, beta_1: float) -> keras.Optimizer:
    """A new Keras optimizer.

    ``beta_1`` is the decay of the first moment for adam, nadam and lion and the momentum of sgd;
    rmsprop keeps no first moment and does not use it.
    """
    makers = {
        "adam": lambda: keras.optimizers.Adam(learning_rate, beta_1=beta_1),
        "lion": lambda: keras.optimizers.Lion(learning_rate, beta_1=beta_1),
        "nadam": lambda: keras.optimizers.Nadam(learning_rate, beta_1=beta_1),
        "rmsprop": lambda: keras.optimizers.RMSprop(learning_rate),
        "sgd": lambda: keras.optimizers.SGD(learning_rate, momentum=beta_1),
    }
    return makers[name]()
