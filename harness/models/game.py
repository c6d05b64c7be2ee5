"""What the two networks of a trial play for: losses and penalty, as its configuration says."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.registry import LOSSES, PENALTIES
from harness.models.losses import Loss
from harness.models.networks import Networks
from harness.models.penalties import Penalty, Shown


class Game(NamedTuple):
    """What a training step minimises; ``real_label`` is the label of real images."""

    loss: Loss
    real_label: float
    penalty: Penalty
    penalty_weight: float | tf.Tensor

    def d_loss(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
        """The discriminator's loss, a scalar, from logits (N, 1) of real images and of fakes."""
        label = (self.real_label,) if self.loss.labelled else ()
        return self.loss.d_loss(real_logits, fake_logits, *label)

    def d_penalty(
        self, networks: Networks, real: Shown, fake: Shown, mixing: tf.Tensor | None
    ) -> tf.Tensor | float:
        """What the discriminator minimises beside its loss: the weighted penalty, a scalar.

        mixing: (N,) in [0, 1), uniform, for a penalty that ``mixes``.
        """
        return self.penalty_weight * self.penalty.value(networks, real, fake, mixing)

    def g_loss(self, real_logits: tf.Tensor | None, fake_logits: tf.Tensor) -> tf.Tensor:
        """The generator's loss, a scalar; ``real_logits`` count where the loss is ``paired``."""
        if self.loss.paired:
            return self.loss.g_loss(real_logits, fake_logits)
        return self.loss.g_loss(fake_logits)


def build_game(config: TrialConfig) -> Game:
    """The game of ``config``; InputError if its loss does not take what it asks for."""
    loss: Loss = LOSSES.get(config.loss)
    loss.check(config)
    return Game(loss, config.real_label, PENALTIES.get(config.penalty), config.penalty_weight)
