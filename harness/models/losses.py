"""The original GAN losses on logits: real is labelled 1, fake 0."""

from __future__ import annotations

import tensorflow as tf


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of the real images as 1 plus that of the fakes as 0, in nats.

    -mean log D(x) - mean log(1 - D(G(z))), Goodfellow et al. 2014, equation 1. Logits (N, 1);
    scalar; 2 ln 2 when the discriminator cannot tell.
    """
    return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(
        tf.nn.softplus(fake_logits)
    )


def generator_loss(fake_logits: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of the fakes as 1, in nats: the non-saturating loss.

    -mean log D(G(z)), Goodfellow et al. 2014, section 3. Logits (N, 1); scalar.
    """
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))
