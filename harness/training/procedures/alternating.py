"""The discriminator first, then the generator on fresh noise against the updated discriminator."""

from __future__ import annotations

from harness.models.game import Game
from harness.models.networks import Networks, Optimizers
from harness.training.procedures import Batch, Step, procedure
from harness.training.procedures._updates import update_discriminator, update_generator


@procedure(
    source="Goodfellow et al. 2014, algorithm 1",
    noise_batches=2,
    d_step=update_discriminator,
)
def alternating(networks: Networks, optimizers: Optimizers, game: Game, batch: Batch) -> Step:
    """Update the discriminator on a real and a fake batch, then the generator on other noise.

    The discriminator sees the two batches one after the other (batch normalization treats each by
    itself), and the generator's loss is told by the updated discriminator.
    """
    judged = update_discriminator(networks, optimizers, game, batch)
    g_loss = update_generator(networks, optimizers, game, batch, 1)
    return Step(judged.d_loss, g_loss, judged.real_logits, judged.fake_logits)
