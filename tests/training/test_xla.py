"""The training loop compiled by XLA, as on a GPU, gives the losses of the loop that is not.

So does the loop that computes transposed convolutions by frequencies, under either compiler.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from harness.core.registry import ARCHITECTURES
from harness.training import program_key
from tests.support.losses import COMBINATIONS, TOLERANCE, WHOLE_GAME, losses, planted_draws

CHEAPEST = {"architecture": "mlp", "procedure": "simultaneous", "normalization": "none"}
CASES = [
    {"architecture": architecture, "procedure": procedure, "convolution": convolution}
    for architecture, procedure in COMBINATIONS
    for convolution in ("direct", "transform")
    if convolution in ARCHITECTURES.get(architecture).supports["convolution"]
]


# Losses, penalties and what else a game is made of: nearly everything at once, then others.
GAMES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "mlp",
        "alternating",
        {"loss": "wasserstein", **WHOLE_GAME},
    ),
    ("tutorial", "simultaneous", {"loss": "relativistic", "penalty": "r1_r2"}),
    ("tutorial", "alternating", {"discriminator_normalization": "layer", "penalty": "r1"}),
    # not pooled: equal pixels of the background leave maxima, and so slopes, undecided
    ("tutorial", "stacked", {"penalty": "r1", "loss": "hinge"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "procedure", "fields"), GAMES)
def test_xla_gives_the_same_losses_of_games(
    architecture: str,
    procedure: str,
    fields: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gradients of gradients too."""
    for name, function in planted_draws().items():
        monkeypatch.setattr(tf.random, name, function)
    found = []
    for xla in (False, True):
        monkeypatch.setattr(program_key, "use_xla", lambda xla=xla: xla)
        found.append(losses(architecture, procedure, **fields))
    np.testing.assert_allclose(found[1], found[0], rtol=TOLERANCE)
    assert np.abs(np.subtract(*found[0])).min() > 5 * TOLERANCE  # the first step shows


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [CHEAPEST, *CASES],
    ids=lambda fields: "-".join(fields.values()),
)
def test_xla_gives_the_same_losses(fields: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, function in planted_draws().items():
        monkeypatch.setattr(tf.random, name, function)
    compiled: list[bool] = []
    make = tf.function

    def watched(*arguments: object, jit_compile: bool = False, **options: object) -> object:
        if "input_signature" in options:  # the loop; Keras makes functions of its own
            compiled.append(jit_compile)
        return make(*arguments, jit_compile=jit_compile, **options)

    monkeypatch.setattr(tf, "function", watched)
    found = []
    for xla in (False, True):
        monkeypatch.setattr(program_key, "use_xla", lambda xla=xla: xla)
        compiled.clear()
        found.append(losses(**fields))
        assert compiled == [xla]
    if fields.get("convolution") == "transform":
        found.append(losses(**{**fields, "convolution": "direct"}))
        np.testing.assert_allclose(found[2], found[0], rtol=TOLERANCE)
    np.testing.assert_allclose(found[1], found[0], rtol=TOLERANCE)
    assert np.abs(np.subtract(*found[0])).min() > 5 * TOLERANCE  # the first step shows
