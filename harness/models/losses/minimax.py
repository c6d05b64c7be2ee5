"""The original GAN game: both networks play for the same value, one for and one against."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import Loss
from harness.models.losses.nonsaturating import d_loss


def g_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """mean log(1 - D(G(z))) in nats, Goodfellow et al. 2014, equation 1.

    Logits (N, 1); scalar, at most 0; -ln 2 when the discriminator cannot tell. It saturates: its
    gradient vanishes where the discriminator is sure of the fakes.
    """
    return -tf.reduce_mean(tf.nn.softplus(fake_logits))


minimax = Loss(
    source="Goodfellow et al. 2014, equation 1", d_loss=d_loss, g_loss=g_loss, labelled=True
)
