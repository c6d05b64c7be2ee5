"""Every registered loss and penalty under every registered procedure: trained, or refused."""

import itertools

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.registry import LOSSES, PENALTIES, PROCEDURES
from harness.models.game import build_game
from harness.models.networks import build_networks, build_optimizers
from harness.training.procedures import Batch

N, LATENT_DIM = 8, 4
# Lion steps by the sign of the gradient: a small one shows, only a missing one does not.
TINY = TrialConfig(
    architecture="mlp", width=0.0625, latent_dim=LATENT_DIM, batch_size=N, optimizer="lion"
)
REFUSED = {("relativistic", "stacked")}


@pytest.mark.parametrize("name", LOSSES.names())
def test_each_network_gains_by_what_it_is_there_for(name):
    """The discriminator by higher logits of real images and lower ones of fakes, against it G."""
    game = build_game(TrialConfig(loss=name))
    low, high = np.full((4, 1), 0.2, np.float32), np.full((4, 1), 0.4, np.float32)
    assert game.d_loss(high, low) < game.d_loss(low, low) < game.d_loss(low, high)
    assert game.g_loss(low, high) < game.g_loss(low, low)


def one_step(config):
    """What one step tells, and for each kernel of both networks whether it moved."""
    networks = build_networks(config, (28, 28, 1), 10)
    record = PROCEDURES.get(config.procedure)
    rng = np.random.default_rng(0)
    real = rng.uniform(-1, 1, (N, 28, 28, 1)).astype(np.float32)
    noise = rng.normal(size=(record.noise_batches, N, LATENT_DIM)).astype(np.float32)
    labels = np.zeros((record.noise_batches, N, 0), np.float32)
    # A constant logit costs nothing where only differences count: the last bias may stay.
    kernels = [v for one in networks for v in one.trainable_variables if v.name == "kernel"]
    before = [np.array(kernel) for kernel in kernels]
    batch = Batch(real, labels[0], noise, labels, rng.uniform(size=N).astype(np.float32))
    seen = record.step(networks, build_optimizers(config, networks), build_game(config), batch)
    after = [np.array(kernel) for kernel in kernels]
    assert np.isfinite(np.concatenate([values.ravel() for values in after])).all()
    return seen, [not np.array_equal(*both) for both in zip(before, after, strict=True)]


@pytest.mark.parametrize(
    ("loss", "procedure"), list(itertools.product(LOSSES.names(), PROCEDURES.names()))
)
def test_a_procedure_trains_a_loss_or_refuses_it_in_one_line(loss, procedure):
    config = TINY.replace(loss=loss, procedure=procedure)
    if (loss, procedure) in REFUSED:
        with pytest.raises(InputError) as caught:
            PROCEDURES.get(procedure).check(config)
        text = str(caught.value)
        assert text.startswith(f"procedure {procedure} does not support loss = '{loss}'")
        assert text.endswith("allowed: hinge, least_squares, minimax, nonsaturating, wasserstein")
        assert "\n" not in text
        return
    PROCEDURES.get(procedure).check(config)
    seen, moved = one_step(config)
    assert np.isfinite([float(seen.d_loss), float(seen.g_loss)]).all()
    assert all(moved)


@pytest.mark.parametrize("procedure", PROCEDURES.names())
def test_a_procedure_takes_packs_and_the_deviation_of_a_batch_or_refuses_it(procedure):
    seen, moved = one_step(TINY.replace(procedure=procedure, packing=4, penalty="gradient"))
    assert all(moved)
    assert seen.real_logits.shape == seen.fake_logits.shape == (N // 4, 1)
    config = TINY.replace(procedure=procedure, minibatch_std="batch")
    if procedure != "stacked":
        PROCEDURES.get(procedure).check(config)
        assert all(one_step(config)[1])
        return
    with pytest.raises(InputError) as caught:
        PROCEDURES.get(procedure).check(config)
    assert str(caught.value) == (
        "procedure stacked does not support minibatch_std = 'batch', "
        "for it mixes real images and fakes in a batch; allowed: none"
    )


@pytest.mark.parametrize(
    ("penalty", "procedure"),
    [
        # Each penalty and each procedure once in the first tier.
        pytest.param(one, name, marks=() if i % 3 == j else pytest.mark.slow)
        for i, one in enumerate(one for one in PENALTIES.names() if one != "none")
        for j, name in enumerate(PROCEDURES.names())
    ],
)
def test_every_procedure_applies_every_penalty(penalty, procedure):
    """The losses that it tells are without it, the update of the discriminator is not."""
    config = TINY.replace(procedure=procedure, optimizer="sgd", beta_1=0.0, dropout=0.0)
    plain, _ = one_step(config)
    seen, moved = one_step(config.replace(penalty=penalty))
    assert all(moved)
    assert float(seen.d_loss) == float(plain.d_loss)
    assert np.array_equal(seen.real_logits, plain.real_logits)
    if procedure != "simultaneous":  # the generator's loss is told by the updated discriminator
        assert float(seen.g_loss) != float(plain.g_loss)
