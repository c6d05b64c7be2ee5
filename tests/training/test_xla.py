"""The training loop compiled by XLA, as on a GPU, gives the losses of the loop that is not."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from harness.training import loop
from tests.support.losses import COMBINATIONS, TOLERANCE, losses, planted_draws

CHEAPEST = ("mlp", "simultaneous")
CASES = [
    pytest.param(*both, marks=() if both == CHEAPEST else pytest.mark.slow) for both in COMBINATIONS
]


@pytest.mark.parametrize(("architecture", "procedure"), CASES)
def test_xla_gives_the_same_losses(
    architecture: str, procedure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, function in planted_draws().items():
        monkeypatch.setattr(tf.random, name, function)
    compiled: list[bool] = []
    make = tf.function

    def watched(*arguments: object, jit_compile: bool = False, **options: object) -> object:
        compiled.append(jit_compile)
        return make(*arguments, jit_compile=jit_compile, **options)

    monkeypatch.setattr(tf, "function", watched)
    found = []
    for xla in (False, True):
        monkeypatch.setattr(loop, "use_xla", lambda xla=xla: xla)
        compiled.clear()
        found.append(losses(architecture, procedure))
        assert any(compiled) is xla
    np.testing.assert_allclose(found[1], found[0], rtol=TOLERANCE)
    assert np.abs(np.subtract(*found[0])).min() > 5 * TOLERANCE  # the first step shows
