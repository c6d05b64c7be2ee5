"""The discriminator on one mixed batch, then the generator through the stack of both networks."""

from __future__ import annotations

import tensorflow as tf

from harness.models.game import Game
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Batch, Step, procedure
from harness.training.procedures._updates import Judged, penalty_of, update_generator


def update_on_mixed(networks: Networks, optimizers: Optimizers, game: Game, batch: Batch) -> Judged:
    """Update the discriminator on real images and fakes that pass it as one batch of 2N."""
    fake_images = networks.generate(batch.noise[0], batch.fake_labels[0])
    mixed = tf.concat([batch.real_images, fake_images], axis=0)
    labels = tf.concat([batch.real_labels, batch.fake_labels[0]], axis=0)
    with tf.GradientTape() as tape:
        real_logits, fake_logits = tf.split(networks.judge(mixed, labels), 2)
        d_loss = game.d_loss(real_logits, fake_logits) / 2.0
        minimised = d_loss + penalty_of(networks, game, batch, fake_images) / 2.0
    variables = networks.discriminator.trainable_variables
    optimizers.discriminator.apply(tape.gradient(minimised, variables), variables)
    return Judged(d_loss, real_logits, fake_logits)


@procedure(
    source="R. Atienza, Deep-Learning-Experiments, dcgan_mnist.py (2017)",
    noise_batches=2,
    d_step=update_on_mixed,
    takes_paired_losses=False,
    mixes=True,
)
def stacked(networks: Networks, optimizers: Optimizers, game: Game, batch: Batch) -> Step:
    """Update the discriminator on half real, half fake images, then the generator on other noise.

    All N real and N fake images pass the discriminator at once, so that its batch normalization
    sees the mix. d_loss is the mean over the 2N, as published: half of what the procedures report
    that add the means of both halves (of the original loss, ln 2 when the discriminator cannot
    tell), and so is the penalty. The adversarial step is made of fakes alone, so that there is none
    for a paired loss, and moves the generator's weights alone. Deviation: the fakes for the
    discriminator are made in training mode (there in inference mode), as in the other procedures.
    """
    judged = update_on_mixed(networks, optimizers, game, batch)
    g_loss = update_generator(networks, optimizers, game, batch, 1)
    return Step(judged.d_loss, g_loss, judged.real_logits, judged.fake_logits)
