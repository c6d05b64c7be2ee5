"""The Wasserstein loss: the discriminator is a critic, whose mean tells real from generated."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import Loss


def d_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """mean D(G(z)) - mean D(x), Arjovsky et al. 2017, equation 3 with the sign turned.

    Logits (N, 1), unbounded; scalar; 0 when the critic cannot tell. Minus this loss is a lower
    bound of the distance only where the critic has slopes of at most 1: what keeps them small is
    the penalty or the normalization of the discriminator (the paper cuts its weights off). Without
    either it falls without end.
    """
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def g_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """-mean D(G(z)), Arjovsky et al. 2017, algorithm 1. Logits (N, 1); scalar, unbounded."""
    return -tf.reduce_mean(fake_logits)


wasserstein = Loss(
    source="Arjovsky et al. 2017, algorithm 1", d_loss=d_loss, g_loss=g_loss, threshold=None
)
