"""Procedures: one training step each, found by scanning this folder.

A file ``<name>.py`` holds one function ``<name>(networks, optimizers, game, batch) -> Step``
decorated with ``@procedure(source=..., noise_batches=..., d_step=...)``. The game is what both
networks play for: losses and penalty. The function runs inside a compiled loop: it draws no
randomness of its own and calls no Python per step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.core.errors import InputError
from harness.core.registry import LOSSES

if TYPE_CHECKING:
    import tensorflow as tf

    from harness.core.config import TrialConfig
    from harness.models.game import Game
    from harness.models.networks import Networks, Optimizers

    StepFunction = Callable[[Networks, Optimizers, Game, "Batch"], "Step"]
    DiscriminatorStep = Callable[[Networks, Optimizers, Game, "Batch"], object]


class Batch(NamedTuple):
    """What one step of N images is made of.

    real_images: (N, H, W, C), scaled. noise: (noise_batches, N, latent_dim). real_labels (N, K) and
    fake_labels (noise_batches, N, K): one hot, to be told to both networks; K is 0 where they are
    not told. mixing: (N,), uniform in [0, 1), for a penalty that mixes real images and fakes, else
    None. All float32.
    """

    real_images: tf.Tensor
    real_labels: tf.Tensor
    noise: tf.Tensor
    fake_labels: tf.Tensor
    mixing: tf.Tensor | None = None


class Step(NamedTuple):
    """What a training step saw: scalar losses without penalty, the discriminator's logits (N, 1).

    Each stands as it was before the update that it led to.
    """

    d_loss: tf.Tensor
    g_loss: tf.Tensor
    real_logits: tf.Tensor
    fake_logits: tf.Tensor


@dataclass(frozen=True)
class Procedure:
    """A registered training step.

    noise_batches: how many batches of noise it takes. d_step: its update of the discriminator
    alone, which comes before the step where the discriminator has several for each of the
    generator's. takes_paired_losses: whether its update of the generator has logits of real images
    for a loss that compares them with those of fakes. mixes: whether real images and fakes pass
    the discriminator in one batch.
    """

    name: str
    step: StepFunction
    source: str
    noise_batches: int
    d_step: DiscriminatorStep
    takes_paired_losses: bool = True
    mixes: bool = False

    def check(self, config: TrialConfig) -> None:
        """Raise InputError for what this procedure cannot train, with what it can."""
        if LOSSES.get(config.loss).paired and not self.takes_paired_losses:
            allowed = [name for name in LOSSES.names() if not LOSSES.get(name).paired]
            raise InputError(
                f"procedure {self.name} does not support loss = {config.loss!r}, for it shows the "
                f"discriminator no real images in the generator's update; "
                f"allowed: {', '.join(allowed)}"
            )
        if self.mixes and config.minibatch_std != "none":
            raise InputError(
                f"procedure {self.name} does not support minibatch_std = "
                f"{config.minibatch_std!r}, for it mixes real images and fakes in a batch; "
                "allowed: none"
            )


def procedure(
    *,
    source: str,
    d_step: DiscriminatorStep,
    noise_batches: int = 1,
    takes_paired_losses: bool = True,
    mixes: bool = False,
) -> Callable[[StepFunction], Procedure]:
    """Register the decorated step as a Procedure under its own name."""

    def register(step: StepFunction) -> Procedure:
        name = step.__name__
        return Procedure(name, step, source, noise_batches, d_step, takes_paired_losses, mixes)

    return register
