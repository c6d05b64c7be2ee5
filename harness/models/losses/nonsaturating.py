"""The original GAN losses, with the generator's in the form that does not saturate."""

from __future__ import annotations

import tensorflow as tf

from harness.models.losses import Loss


def d_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor, real_label: float = 1.0) -> tf.Tensor:
    """Binary cross-entropy of real images as ``real_label`` plus that of the fakes as 0, in nats.

    -mean log D(x) - mean log(1 - D(G(z))), Goodfellow et al. 2014, equation 1. Logits (N, 1);
    scalar; 2 ln 2 when the discriminator cannot tell. A ``real_label`` below 1 is the one-sided
    smoothing of Salimans et al. 2016, section 3.4.
    """
    loss = tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(
        tf.nn.softplus(fake_logits)
    )
    if real_label == 1.0:
        return loss
    # a softplus(-x) + (1 - a) softplus(x) = softplus(-x) + (1 - a) x
    return loss + (1.0 - real_label) * tf.reduce_mean(real_logits)


def g_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of the fakes as 1, in nats.

    -mean log D(G(z)), Goodfellow et al. 2014, section 3. Logits (N, 1); scalar; ln 2 when the
    discriminator cannot tell.
    """
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


nonsaturating = Loss(
    source="Goodfellow et al. 2014, section 3", d_loss=d_loss, g_loss=g_loss, labelled=True
)
