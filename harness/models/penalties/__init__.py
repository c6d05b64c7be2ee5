"""Penalties on the slopes of the discriminator: one file each, found by scanning this folder.

A file ``<name>.py`` holds one function ``<name>(networks, real, fake, mixing) -> scalar``,
decorated with ``@penalty(source=...)``. It is added to the discriminator's loss, times
``penalty_weight``, and differentiated by the discriminator's weights: gradients of gradients. It
runs inside a compiled loop: what it draws is ``mixing``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

if TYPE_CHECKING:
    from harness.models.networks import Networks

    PenaltyFunction = Callable[[Networks, "Shown", "Shown", tf.Tensor | None], tf.Tensor | float]


class Shown(NamedTuple):
    """What the discriminator is shown: images (N, H, W, C) and their labels (N, K), float32."""

    images: tf.Tensor
    labels: tf.Tensor


@dataclass(frozen=True)
class Penalty:
    """A registered penalty. mixes: whether it needs ``mixing``, (N,) in [0, 1), uniform."""

    name: str
    value: PenaltyFunction
    source: str
    mixes: bool


def penalty(*, source: str, mixes: bool = False) -> Callable[[PenaltyFunction], Penalty]:
    """Register the decorated function as a Penalty under its own name."""

    def register(value: PenaltyFunction) -> Penalty:
        return Penalty(value.__name__, value, source, mixes)

    return register


def squared_slopes(networks: Networks, shown: Shown) -> tf.Tensor:
    """|grad D(x)|^2 for each logit, (number of logits,), by all pixels that the logit judges.

    Per unit of the scaled pixels: the same images in [0, 1] have slopes twice those in [-1, 1]. The
    images pass the discriminator once more in training mode, with a dropout of their own. Labels
    are not differentiated by.
    """
    images = tf.stop_gradient(shown.images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = networks.judge(images, shown.labels)
    slopes = tape.gradient(logits, images)  # of the sum of all logits
    squares = tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3])
    return tf.reduce_sum(tf.reshape(squares, [tf.shape(logits)[0], -1]), axis=1)
