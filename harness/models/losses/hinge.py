"""The hinge loss: the discriminator learns from images inside its margin alone."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import Loss
from harness.models.losses.wasserstein import g_loss


def d_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z))).

    Lim and Ye 2017; Miyato et al. 2018, equation 16. Logits (N, 1); scalar; 2 when the
    discriminator cannot tell, 0 when all images lie beyond the margin of 1.
    """
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(
        tf.nn.relu(1.0 + fake_logits)
    )


hinge = Loss(
    source="Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17", d_loss=d_loss, g_loss=g_loss
)
