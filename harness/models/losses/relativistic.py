"""The relativistic pairing loss: a generated image is to look more real than a real one."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import Loss


def d_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """mean log(1 + exp(-(D(x) - D(G(z))))), each real image paired with a fake, in nats.

    Jolicoeur-Martineau 2019; Huang et al. 2024 (R3GAN), equation 2. Logits (N, 1);
    scalar; ln 2 when the discriminator cannot tell.
    """
    return tf.reduce_mean(tf.nn.softplus(fake_logits - real_logits))


def g_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """mean log(1 + exp(-(D(G(z)) - D(x)))): the same with both sides exchanged, in nats."""
    return tf.reduce_mean(tf.nn.softplus(real_logits - fake_logits))


relativistic = Loss(
    source="Jolicoeur-Martineau 2019; Huang et al. 2024, equation 2",
    d_loss=d_loss,
    g_loss=g_loss,
    paired=True,
    threshold=None,
)
