"""Losses: one file each, found by scanning this folder.

A file ``<name>.py`` holds a ``Loss`` of the same name: ``d_loss`` and ``g_loss`` make a scalar of
the discriminator's logits, (N, 1) of real and (N, 1) of generated images, and run inside a compiled
loop: no randomness, no Python per step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tensorflow as tf

from harness.core.errors import InputError
from harness.core.registry import LOSSES

if TYPE_CHECKING:
    from harness.core.config import TrialConfig


@dataclass(frozen=True)
class Loss:
    """A registered pair of losses, which each network minimises.

    source: where they were published. d_loss(real_logits, fake_logits), and ``real_label`` as a
    third argument where ``labelled``: where the loss compares logits with labels, so that the label
    of real images can be smoothed. g_loss(fake_logits), or g_loss(real_logits, fake_logits) where
    ``paired``: where the generator's loss depends on real images too. threshold: the logit above
    which an image is told real; None where logits have no zero of their own, and only their
    differences count.
    """

    source: str
    d_loss: Callable[..., tf.Tensor]
    g_loss: Callable[..., tf.Tensor]
    labelled: bool = False
    paired: bool = False
    threshold: float | None = 0.0

    def accuracies(
        self, real_logits: tf.Tensor, fake_logits: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Shares of the real images told real and of the fakes told fake, scalars in [0, 1].

        By the threshold; without one, of each pair of a real image and a fake the one with the
        higher logit is told real, so that both shares are the same. Logits (N, 1).
        """
        real_side = fake_side = self.threshold
        if self.threshold is None:
            real_side, fake_side = fake_logits, real_logits
        return _share(real_logits > real_side), _share(fake_logits < fake_side)

    def check(self, config: TrialConfig) -> None:
        """Raise InputError for a label of real images that this loss has no place for."""
        if config.real_label != 1.0 and not self.labelled:
            able = [name for name in LOSSES.names() if LOSSES.get(name).labelled]
            raise InputError(
                f"loss {config.loss} has no labels: real_label is {config.real_label:g}; "
                f"allowed: 1 (others: {', '.join(able)})"
            )


def _share(hits: tf.Tensor) -> tf.Tensor:
    """The share of ``hits``, booleans, that are true."""
    return tf.reduce_mean(tf.cast(hits, tf.float32))
