"""Losses of the first two steps of a trial, for comparison between devices and compilers.

``python -m tests.support.losses`` prints those of every architecture under every procedure as JSON,
as the training loop computes them on the device that TensorFlow finds.

What is compared is arithmetic, so both sides draw from one table: TensorFlow's own stateless draws
are other numbers where XLA compiles them. Dropout draws by itself and is off. The optimizer is
plain gradient descent, since Adam makes a whole step of the rounding error of a gradient near zero.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.registry import ARCHITECTURES, PROCEDURES
from harness.data.load import load_dataset
from harness.training.loop import Trainer

WHOLE_GAME: dict[str, Any] = {
    "penalty": "gradient",
    "discriminator_steps": 2,
    "discriminator_normalization": "spectral",
    "augmentation": "diffaugment",
    "packing": 2,
    "minibatch_std": "batch",
}
"""Fields that make a game of nearly everything that there is, for the architecture mlp."""

COMBINATIONS = [(a, p) for a in ARCHITECTURES.names() for p in PROCEDURES.names()]
"""Every registered architecture under every registered procedure."""

TOLERANCE = 5e-5
"""Relative difference of two losses that is still rounding.

A sum of n products in float32 errs by some sqrt(n) 2^-24 of itself: 5e-6 for the longest sums here,
n = 6,400. The second loss has passed some 30 layers, forward, back and forward again, whose errors
are independent: sqrt(30) times that, 2.6e-5, and the bound allows twice as much.
"""


def losses(architecture: str, procedure: str, **fields: Any) -> list[tuple[float, float]]:
    """(d_loss, g_loss) of the first and of the second step, at the smallest width, on digits."""
    config = TrialConfig(
        architecture=architecture,
        procedure=procedure,
        width=0.0625,
        batch_size=8,
        latent_dim=4,
        dropout=0.0,
        optimizer="sgd",
        learning_rate=0.01,
        **fields,
    )
    trainer = Trainer(config, load_dataset("few_digits"))
    size = config.images_per_step
    found = [progress.metrics for progress in trainer.run([size, 2 * size])]
    return [(metrics["d_loss"], metrics["g_loss"]) for metrics in found]


_TABLE_SIZE = 2**16
_UNIFORM = (np.random.default_rng(0).permutation(_TABLE_SIZE) / _TABLE_SIZE).astype(np.float32)
"""Numbers in [0, 1), all different, so that no sorting algorithm has a choice."""
_NORMAL = np.random.default_rng(1).normal(size=_TABLE_SIZE).astype(np.float32)


def planted_draws() -> dict[str, Callable[..., Any]]:
    """Name in ``tf.random`` -> a function that draws from a table, by the seed, on any device."""
    return {"stateless_uniform": _uniform, "stateless_normal": _normal}


def _uniform(
    shape: Sequence[int],
    seed: tf.Tensor,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: tf.DType = tf.float32,
) -> tf.Tensor:
    low, high = (tf.cast(end, tf.float32) for end in (minval, maxval))
    drawn = _drawn(_UNIFORM, shape, seed) * (high - low) + low
    return tf.cast(drawn, dtype)


def _normal(shape: Sequence[int], seed: tf.Tensor) -> tf.Tensor:
    return _drawn(_NORMAL, shape, seed)


def _drawn(table: np.ndarray, shape: Sequence[int], seed: tf.Tensor) -> tf.Tensor:
    """Numbers in a row of ``table``, from a place that both parts of the seed decide."""
    key, step = tf.unstack(tf.cast(tf.math.floormod(seed, _TABLE_SIZE), tf.int32))
    rows = tf.range(math.prod(shape)) + key + 7_919 * tf.math.floormod(step, 1_024)
    return tf.reshape(tf.gather(tf.constant(table), tf.math.floormod(rows, _TABLE_SIZE)), shape)


if __name__ == "__main__":
    # TensorFloat-32 rounds the factors of products to 11 bits: a difference of its own.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    for drawing, function in planted_draws().items():
        setattr(tf.random, drawing, function)
    json.dump({" ".join(both): losses(*both) for both in COMBINATIONS}, sys.stdout)
