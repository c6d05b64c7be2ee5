"""Which trials can use the same compiled program: those with the same key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras

from harness.core.config import FIELD_DEFAULTS, TrialConfig
from harness.data.dataset import Dataset
from harness.models.layers.adjustable import Adjustable
from harness.models.networks import Networks, num_labels
from harness.training.device import use_xla

INPUTS = (
    "dataset",
    "dropout",
    "initialisation",
    "learning_rate",
    "discriminator_learning_rate_ratio",
    "leaky_slope",
    "pixel_scaling",
    "output_activation",
    "penalty_weight",
    "images",
    "seed",
)
"""The fields of TrialConfig in which trials of one program may differ.

A program is not told them, so that it cannot hold one as a constant. What layers make of them is
compared layer by layer. Any other field, and any that is new, is part of the key; so is ``images``
with ``ema``, since the average looks back over a share of them.
"""


class ProgramKey(NamedTuple):
    """What two trials have in common if they can use the same program.

    config: with the defaults in place of ``INPUTS``. layers: of both networks, without what can be
    adjusted. num_labels: K of ``Networks``. image_shape: (N, H, W, C) of the training images.
    """

    config: TrialConfig
    layers: object
    num_labels: int
    image_shape: tuple[int, int, int, int]
    xla: bool


def program_key(config: TrialConfig, dataset: Dataset, networks: Networks) -> ProgramKey:
    """The key of trials of ``config`` on ``dataset``, whose networks are ``networks``."""
    inputs = [name for name in INPUTS if name != "images" or not config.ema]
    return ProgramKey(
        config.replace(**{name: FIELD_DEFAULTS[name] for name in inputs}),
        _fixed_parts(networks),
        num_labels(config, dataset.num_classes),
        dataset.x_train.shape,
        use_xla(),
    )


def layers_of(networks: Networks) -> list[keras.layers.Layer]:
    """All layers of both networks, in place of a row of layers those in it."""
    return [layer for network in networks for layer in _in_a_row(network)]


def _in_a_row(network: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    if type(network) is not keras.Sequential:
        yield network
        return
    for layer in network.layers:
        yield from _in_a_row(layer)


def _fixed_parts(networks: Networks) -> object:
    """Equal for networks of the same layers, whatever the settings that can be adjusted.

    A network that is not a row of layers may compute anything: it is equal to no other.
    """
    layers = layers_of(networks)
    if any(isinstance(layer, keras.Model) for layer in layers):
        return object()
    parts = []
    for layer in layers:
        config = layer.fixed_config() if isinstance(layer, Adjustable) else layer.get_config()
        parts.append((type(layer).__qualname__, _without_counters(config)))
    return json.dumps(parts, sort_keys=True, default=repr)


def _without_counters(value: Any) -> Any:
    """``value`` with names such as dense_7, which count what was built before, cut to dense."""
    if isinstance(value, dict):
        return {
            key: re.sub(r"_\d+$", "", one)
            if key == "name" and isinstance(one, str)
            else _without_counters(one)
            for key, one in value.items()
        }
    return [_without_counters(one) for one in value] if isinstance(value, list | tuple) else value
