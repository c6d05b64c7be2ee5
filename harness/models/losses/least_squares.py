"""Least squares: logits are drawn to labels, however far they lie on the right side."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import Loss


def d_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor, real_label: float = 1.0) -> tf.Tensor:
    """1/2 mean (D(x) - b)^2 + 1/2 mean D(G(z))^2, b = ``real_label``.

    Mao et al. 2017, equation 9 (labels 0 and 1). Logits (N, 1); scalar; 1/4 at the optimum D = 1/2
    of a discriminator that cannot tell.
    """
    real = tf.reduce_mean(tf.square(real_logits - real_label))
    return 0.5 * real + 0.5 * tf.reduce_mean(tf.square(fake_logits))


def g_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """1/2 mean (D(G(z)) - 1)^2, Mao et al. 2017, equation 9. Logits (N, 1); scalar; 1/8 there."""
    return 0.5 * tf.reduce_mean(tf.square(fake_logits - 1.0))


least_squares = Loss(
    source="Mao et al. 2017, equation 9",
    d_loss=d_loss,
    g_loss=g_loss,
    labelled=True,
    threshold=0.5,
)
