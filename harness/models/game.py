"""What the two networks of a trial play for: the loss of each, as its configuration says."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.registry import LOSSES
from harness.models.losses import Loss


class Game(NamedTuple):
    """The losses that a training step minimises; ``real_label`` is the label of real images."""

    loss: Loss
    real_label: float = 1.0

    def d_loss(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        """The discriminator's loss, a scalar, from logits (N, 1) of real images and of fakes."""
        label = (self.real_label,) if self.loss.labelled else ()
        return self.loss.d_loss(real_logits, fake_logits, *label)

    def g_loss(self, real_logits: tf.Tensor | None, fake_logits: tf.Tensor) -> tf.Tensor:
        """The generator's loss, a scalar; ``real_logits`` count where the loss is ``paired``."""
        if self.loss.paired:
            return self.loss.g_loss(real_logits, fake_logits)
        return self.loss.g_loss(fake_logits)


def build_game(config: TrialConfig) -> Game:
    """The game of ``config``; InputError if its loss does not take what it asks for."""
    loss: Loss = LOSSES.get(config.loss)
    loss.check(config)
    return Game(loss, config.real_label)
