"""The losses against closed forms and against the losses of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.core.registry import LOSSES
from harness.models.game import build_game

LN2 = np.log(2)
# The logit of every image where the discriminator cannot tell, both losses there, and the sums of
# their gradients: d_loss by real logits and by fakes, g_loss by fakes. With the softplus, whose
# slope at 0 is 1/2; (x - 1)^2 / 2 and x^2 / 2 at 1/2; max(0, 1 - x) and x at 0.
EQUILIBRIUM = {
    "hinge": (0.0, 2.0, 0.0, -1.0, 1.0, -1.0),
    "least_squares": (0.5, 1 / 4, 1 / 8, -1 / 2, 1 / 2, -1 / 2),
    "minimax": (0.0, 2 * LN2, -LN2, -1 / 2, 1 / 2, -1 / 2),
    "nonsaturating": (0.0, 2 * LN2, LN2, -1 / 2, 1 / 2, -1 / 2),
    "relativistic": (0.0, LN2, LN2, -1 / 2, 1 / 2, -1 / 2),
    "wasserstein": (0.0, 0.0, 0.0, -1.0, 1.0, -1.0),
}


def logits(seed):
    return np.random.default_rng(seed).normal(scale=3, size=(64, 1)).astype(np.float32)


REAL, FAKE = logits(0), logits(1)


def values(name, real, fake, **fields):
    """(d_loss, g_loss) of the loss ``name``, as the game of a configuration has them."""
    game = build_game(TrialConfig(loss=name, **fields))
    return float(game.d_loss(real, fake)), float(game.g_loss(real, fake))


def entropy(logits, label):
    return float(keras.losses.BinaryCrossentropy(from_logits=True)(np.full((64, 1), label), logits))


def squares(logits, label):
    return float(keras.losses.MeanSquaredError()(np.full((64, 1), label), logits)) / 2


def hinge(logits, side):
    return float(keras.losses.Hinge()(np.full((64, 1), side), logits))


@pytest.mark.parametrize("name", LOSSES.names())
def test_values_and_gradients_at_equilibrium(name):
    logit, *expected = EQUILIBRIUM[name]
    game = build_game(TrialConfig(loss=name))
    real, fake = (tf.Variable(np.full((8, 1), logit, np.float32)) for _ in range(2))
    with tf.GradientTape(persistent=True) as tape:
        d_loss, g_loss = game.d_loss(real, fake), game.g_loss(real, fake)
    sums = [tf.reduce_sum(tape.gradient(*p)) for p in ((d_loss, real), (d_loss, fake))]
    found = [d_loss, g_loss, *sums, tf.reduce_sum(tape.gradient(g_loss, fake))]
    assert [float(value) for value in found] == pytest.approx(expected, rel=1e-6)
    assert game.loss.source


# float32 sums of 64 terms: a relative error of some 1e-6
@pytest.mark.parametrize(
    ("name", "d_loss", "g_loss"),
    [
        ("hinge", hinge(REAL, 1) + hinge(FAKE, -1), -FAKE.mean()),
        ("least_squares", squares(REAL, 1) + squares(FAKE, 0), squares(FAKE, 1)),
        ("minimax", entropy(REAL, 1) + entropy(FAKE, 0), -entropy(FAKE, 0)),
        ("nonsaturating", entropy(REAL, 1) + entropy(FAKE, 0), entropy(FAKE, 1)),
        ("relativistic", entropy(REAL - FAKE, 1), entropy(FAKE - REAL, 1)),
        ("wasserstein", FAKE.mean() - REAL.mean(), -FAKE.mean()),
    ],
)
def test_values_are_those_of_kerass_losses(name, d_loss, g_loss):
    assert values(name, REAL, FAKE) == pytest.approx((d_loss, g_loss), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "of"), [("nonsaturating", entropy), ("minimax", entropy), ("least_squares", squares)]
)
def test_a_smoothed_label_is_that_of_real_images_alone(name, of):
    d_loss, g_loss = values(name, REAL, FAKE, real_label=0.9)
    assert d_loss == pytest.approx(of(REAL, 0.9) + of(FAKE, 0), rel=1e-5)
    assert g_loss == values(name, REAL, FAKE)[1]


@pytest.mark.parametrize("name", ["hinge", "relativistic", "wasserstein"])
def test_a_loss_without_labels_refuses_to_smooth_them(name):
    with pytest.raises(InputError) as caught:
        build_game(TrialConfig(loss=name, real_label=0.9))
    assert str(caught.value) == (
        f"loss {name} has no labels: real_label is 0.9; "
        "allowed: 1 (others: least_squares, minimax, nonsaturating)"
    )


@pytest.mark.parametrize("name", LOSSES.names())
def test_extreme_logits_stay_finite(name):
    huge = np.full((4, 1), 1e4, np.float32)
    for real, fake in ((huge, -huge), (-huge, huge)):
        assert np.isfinite(values(name, real, fake)).all()
    if name == "nonsaturating":
        assert values(name, huge, -huge)[0] == 0.0
        assert values(name, -huge, huge)[0] == pytest.approx(2e4, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Real images told real, fakes told fake, of real logits -1, 0.2, 0.7, 3 and fakes 0.1, 0.1,
        # 0.9, -2: by the side of 0 and by that of 1/2, to which 0.7, 3 and 0.1, 0.1, -2 lie right.
        ("nonsaturating", (3 / 4, 1 / 4)),
        ("least_squares", (2 / 4, 3 / 4)),
        # pairs in order: 0.2 above 0.1, 3 above -2
        ("wasserstein", (2 / 4, 2 / 4)),
        ("relativistic", (2 / 4, 2 / 4)),
    ],
)
def test_what_is_told_right(name, expected):
    real = np.array([[-1.0], [0.2], [0.7], [3.0]], np.float32)
    fake = np.array([[0.1], [0.1], [0.9], [-2.0]], np.float32)
    shares = LOSSES.get(name).accuracies(real, fake)
    assert tuple(float(share) for share in shares) == expected
