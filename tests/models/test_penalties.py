"""Penalties of discriminators whose slopes are known, and their gradients against differences."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.core.registry import PENALTIES
from harness.models.game import build_game
from harness.models.layers.adjustable import LeakyReLU
from harness.models.layers.layer_normalization import LayerNormalization
from harness.models.networks import Networks
from harness.models.penalties import Shown

N = 5
RNG = np.random.default_rng(0)
REAL, FAKE = (RNG.normal(size=(N, 4, 4, 1)) for _ in range(2))
MIXING = RNG.uniform(size=N)
NO_LABELS = np.zeros((N, 0))


def value(name, discriminator, real=REAL, fake=FAKE, mixing=MIXING):
    networks = Networks(generator=None, discriminator=discriminator)
    shown = [Shown(tf.constant(images), tf.constant(NO_LABELS)) for images in (real, fake)]
    return PENALTIES.get(name).value(networks, *shown, tf.constant(mixing))


# |grad| is |w| for D(x) = <w, x> whatever x, and a |x| for D(x) = a |x|^2 / 2.
@pytest.mark.parametrize(
    ("name", "linear", "quadratic"),
    [
        ("none", lambda w: 0.0, lambda a, real, fake, mixed: 0.0),
        ("r1", lambda w: w**2 / 2, lambda a, real, fake, mixed: np.mean((a * real) ** 2) / 2),
        (
            "r1_r2",
            lambda w: w**2,
            lambda a, real, fake, mixed: np.mean((a * real) ** 2 + (a * fake) ** 2) / 2,
        ),
        (
            "gradient",
            lambda w: (w - 1) ** 2,
            lambda a, real, fake, mixed: np.mean((a * mixed - 1) ** 2),
        ),
    ],
)
def test_values_where_slopes_are_known(name, linear, quadratic):
    w = np.random.default_rng(1).normal(size=(4, 4, 1))

    def dot(images, training):
        return tf.reduce_sum(images * w, axis=[1, 2])

    def square(images, training):
        return 1.5 * tf.reduce_sum(images**2, axis=[1, 2]) / 2

    share = MIXING[:, None, None, None]
    lengths = [
        np.linalg.norm(x.reshape(N, -1), axis=1)
        for x in (REAL, FAKE, share * REAL + (1 - share) * FAKE)
    ]
    assert float(value(name, dot)) == pytest.approx(linear(np.linalg.norm(w)), rel=1e-12)
    assert float(value(name, square)) == pytest.approx(quadratic(1.5, *lengths), rel=1e-12)


def test_every_penalty_is_tried_and_names_its_source():
    assert PENALTIES.names() == ["gradient", "none", "r1", "r1_r2"]
    for name in PENALTIES.names():
        assert PENALTIES.get(name).source
        assert PENALTIES.get(name).mixes == (name == "gradient")


def test_a_discriminator_without_slopes_has_a_penalty_with_a_finite_gradient():
    flat = tf.Variable(np.zeros((4, 4, 1)))
    with tf.GradientTape() as tape:
        loss = value("gradient", lambda images, training: tf.reduce_sum(images * flat, [1, 2]))
    assert float(loss) == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(tape.gradient(loss, flat)).all()


def discriminator(kind, dtype="float64"):
    """A small discriminator of the layers that the architectures use."""
    layers, policy = keras.layers, {"dtype": dtype}
    between = {
        "plain": layers.Identity,
        "layer": LayerNormalization,
        "pooled": lambda **options: layers.MaxPooling2D(2, padding="same", **options),
    }[kind](**policy)
    return keras.Sequential(
        [
            keras.Input((4, 4, 1), dtype=dtype),
            layers.Conv2D(3, 3, 1 if kind == "pooled" else 2, "same", **policy),
            between,
            LeakyReLU(0.2, **policy),
            layers.Flatten(**policy),
            layers.Dense(1, **policy),
        ]
    )


@pytest.mark.parametrize("kind", ["plain", "layer", "pooled"])
@pytest.mark.parametrize("name", ["gradient", "r1_r2"])
def test_its_gradient_by_weights_is_that_of_differences(name, kind):
    """Central differences of 1e-5 in float64 err by some 1e-10 of the third derivative."""
    keras.utils.set_random_seed(0)
    network = discriminator(kind)
    with tf.GradientTape() as tape:
        penalty = value(name, network)
    kernel = network.trainable_variables[0]
    found = np.asarray(tape.gradient(penalty, kernel.value))
    start = kernel.numpy()
    for place in [(0, 0, 0, 0), (1, 2, 0, 1), (2, 1, 0, 2)]:
        sides = []
        for change in (1e-5, -1e-5):
            moved = start.copy()
            moved[place] += change
            kernel.assign(moved)
            sides.append(float(value(name, network)))
        kernel.assign(start)
        assert found[place] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-5, abs=1e-8)


@pytest.mark.slow
def test_xla_differentiates_maxima_twice_to_the_same():
    """In float32, for which XLA has the operation; sums of some hundred terms."""
    keras.utils.set_random_seed(0)
    network = discriminator("pooled", "float32")
    kernel = network.trainable_variables[0]
    images = [x.astype(np.float32) for x in (REAL, FAKE)]

    def slopes():
        with tf.GradientTape() as tape:
            penalty = value("r1_r2", network, *images)
        return tape.gradient(penalty, kernel.value)

    compiled = tf.function(slopes, jit_compile=True)()
    assert np.abs(compiled).max() > 0.1
    np.testing.assert_allclose(compiled, slopes(), rtol=1e-4, atol=1e-5)


def test_labels_are_mixed_with_their_images_and_not_differentiated_by():
    """D(x, label) = <label, t> sum(x): of a mix of labels a and b, the slope has the mixed t."""
    t, seen = np.array([2.0, 6.0]), []

    def judge(images, labels):
        seen.append(labels)
        return tf.reduce_sum(labels * t, 1) * tf.reduce_sum(images, [1, 2, 3])

    labels = [np.tile(row, (N, 1)) for row in ([1.0, 0.0], [0.0, 1.0])]
    real, fake = (
        Shown(tf.constant(x), tf.constant(y)) for x, y in zip((REAL, FAKE), labels, strict=True)
    )
    networks = SimpleNamespace(judge=lambda images, told: judge(images, told)[:, None])
    found = PENALTIES.get("gradient").value(networks, real, fake, tf.constant(MIXING))
    slopes = 4 * (MIXING * 2 + (1 - MIXING) * 6)  # sqrt(16 pixels) times t
    assert float(found) == pytest.approx(np.mean((slopes - 1) ** 2), rel=1e-10)
    np.testing.assert_allclose(seen[0], np.stack([MIXING, 1 - MIXING], 1), rtol=1e-12)


def test_the_game_weighs_it():
    game = build_game(TrialConfig(penalty="r1", penalty_weight=0.25))
    assert game.penalty is PENALTIES.get("r1")
    networks = Networks(None, lambda images, training: tf.reduce_sum(images, [1, 2]))
    shown = Shown(tf.constant(REAL), tf.constant(NO_LABELS))
    assert float(game.d_penalty(networks, shown, shown, None)) == pytest.approx(0.25 * 16 / 2)
