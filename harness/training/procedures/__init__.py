"""Procedures: one training step each, found by scanning this folder.

A file ``<name>.py`` holds one function ``<name>(networks, optimizers, batch) -> Step``
decorated with ``@procedure(source=..., noise_batches=...)``. It runs inside a compiled loop: it
draws no randomness of its own and calls no Python per step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import tensorflow as tf

    from harness.models.networks import Networks, Optimizers

    StepFunction = Callable[[Networks, Optimizers, "Batch"], "Step"]


class Batch(NamedTuple):
    """What one step of N images is made of.

    real_images: (N, H, W, C), scaled. noise: (noise_batches, N, latent_dim). real_labels (N, K) and
    fake_labels (noise_batches, N, K): one hot, to be told to both networks; K is 0 where they are
    not told. All float32.
    """

    real_images: tf.Tensor
    real_labels: tf.Tensor
    noise: tf.Tensor
    fake_labels: tf.Tensor


class Step(NamedTuple):
    """What a training step saw: scalar losses in nats, the discriminator's logits (N, 1).

    Each stands as it was before the update that it led to.
    """

    d_loss: tf.Tensor
    g_loss: tf.Tensor
    real_logits: tf.Tensor
    fake_logits: tf.Tensor


@dataclass(frozen=True)
class Procedure:
    """A registered training step, and how many batches of noise it takes."""

    name: str
    step: StepFunction
    source: str
    noise_batches: int


def procedure(*, source: str, noise_batches: int = 1) -> Callable[[StepFunction], Procedure]:
    """Register the decorated step as a Procedure under its own name."""

    def register(step: StepFunction) -> Procedure:
        return Procedure(step.__name__, step, source, noise_batches)

    return register
