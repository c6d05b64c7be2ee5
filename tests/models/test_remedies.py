"""What the discriminator sees besides an image: packs, deviations of a batch, augmented images."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.core.config import TrialConfig
from harness.models.layers.diff_augment import DiffAugment, diff_augment
from harness.models.layers.minibatch_std import MinibatchStd
from harness.models.layers.pack import Pack
from harness.models.networks import build_networks

SIZE = 28
IMAGES = np.random.default_rng(0).uniform(-1, 1, (6, SIZE, SIZE, 2)).astype(np.float32)
STILL = np.array([0.5, 0.5, 0.5, 0.0, 0.0])
"""Draws of no brightness, no shift, and a square around the upper left corner."""


def augmented(images, draws, span=2.0):
    return diff_augment(tf.constant(images), tf.constant(draws, tf.float32), span).numpy()


def draws(count=6, **fields):
    """Draws as ``STILL``, or with those of ``fields``: brightness, down, right, row, column."""
    names = ("brightness", "down", "right", "row", "column")
    values = dict(zip(names, STILL, strict=True)) | fields
    return np.stack([np.broadcast_to(values[name], count) for name in names])


def test_a_square_of_half_the_size_is_cut_out_around_the_place_that_was_drawn():
    # 14 long; its first row is the floor of 29 u, less 7
    corner = augmented(IMAGES, draws())
    expected = IMAGES.copy()
    expected[:, :7, :7] = 0
    assert np.array_equal(corner, expected)
    inside = augmented(IMAGES, draws(row=12.5 / 29, column=20.5 / 29))
    expected = IMAGES.copy()
    expected[:, 5:19, 13:27] = 0
    assert np.array_equal(inside, expected)
    last = augmented(IMAGES, draws(row=28.5 / 29))
    expected = IMAGES.copy()
    expected[:, 21:, :7] = 0
    assert np.array_equal(last, expected)


@pytest.mark.parametrize(("u", "shift"), [(0.0, -4), (4.5 / 9, 0), (6.5 / 9, 2), (0.999, 4)])
def test_shifts_of_up_to_an_eighth_leave_zeros(u, shift):
    bottom = {"row": 28.5 / 29, "column": 28.5 / 29}  # what is cut out lies at 21 and beyond
    moved = augmented(IMAGES, draws(down=u, **bottom))[:, :21]
    expected = np.zeros_like(IMAGES)
    expected[:, max(shift, 0) : SIZE + min(shift, 0)] = IMAGES[
        :, max(-shift, 0) : SIZE - max(shift, 0)
    ]
    assert np.array_equal(moved, expected[:, :21])
    transposed = augmented(IMAGES.swapaxes(1, 2), draws(right=u, **bottom)).swapaxes(1, 2)
    assert np.array_equal(transposed[:, :21], expected[:, :21])


@pytest.mark.parametrize("span", [1.0, 2.0])
def test_brightness_is_the_same_for_all_pixels_and_at_most_a_quarter_of_the_range(span):
    for u, share in ((0.0, -0.25), (0.75, 0.125)):
        found = augmented(IMAGES, draws(brightness=u), span)[:, 7:] - IMAGES[:, 7:]
        np.testing.assert_allclose(found, share * span, atol=1e-6)


def test_gradients_pass_to_the_pixels_that_are_left():
    images = tf.constant(IMAGES)
    upstream = np.random.default_rng(1).normal(size=IMAGES.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        drawn = tf.constant(draws(down=6.5 / 9), tf.float32)  # two rows down
        value = tf.reduce_sum(diff_augment(images, drawn, 2.0) * upstream)
    expected = np.zeros_like(IMAGES)
    upstream[:, :7, :7] = 0
    expected[:, :-2] = upstream[:, 2:]
    np.testing.assert_allclose(tape.gradient(value, images), expected, atol=1e-6)


def test_the_layer_draws_for_each_image_and_each_call_and_leaves_planes_of_labels_alone():
    keras.utils.set_random_seed(0)
    layer = DiffAugment(num_labels=1, span=2.0)
    first, second = (layer(IMAGES, training=True).numpy() for _ in range(2))
    assert np.array_equal(first[..., 1], IMAGES[..., 1])
    kept = first[..., 0] != 0
    assert 0.3 < kept.mean() < 0.95
    assert len({image.tobytes() for image in kept}) > 1
    assert not np.array_equal(first, second)
    assert np.array_equal(layer(IMAGES, training=False), IMAGES)
    keras.utils.set_random_seed(0)
    assert np.array_equal(DiffAugment(1, 2.0)(IMAGES, training=True), first)
    assert len(layer.variables) == 1  # what a checkpoint keeps


@pytest.mark.slow
def test_xla_compiles_augmentation_to_the_same():
    drawn = tf.constant(np.random.default_rng(2).uniform(size=(5, 6)), tf.float32)
    compiled = tf.function(lambda x, d: diff_augment(x, d, 2.0), jit_compile=True)
    np.testing.assert_allclose(compiled(IMAGES, drawn), augmented(IMAGES, drawn), atol=1e-6)


def test_a_pack_holds_images_in_a_row_as_channels():
    packs = Pack(3)(IMAGES).numpy()
    assert packs.shape == (2, SIZE, SIZE, 6)
    for index in range(6):
        channels = packs[index // 3, ..., 2 * (index % 3) : 2 * (index % 3) + 2]
        assert np.array_equal(channels, IMAGES[index])


@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 2, 4)])
def test_the_deviation_is_one_number_for_a_batch(shape):
    values = np.random.default_rng(0).normal(3, 2, shape)
    found = MinibatchStd(dtype="float64")(values).numpy()
    assert found.shape == (*shape[:-1], 5)
    assert np.array_equal(found[..., :4], values)
    np.testing.assert_allclose(found[..., 4], values.std(axis=0).mean(), rtol=1e-7)
    same = MinibatchStd()(np.ones((3, 2), np.float32)).numpy()
    np.testing.assert_allclose(same[:, 2], 1e-4, rtol=1e-5)  # the root of what keeps it from 0


def test_a_collapsed_batch_is_told_from_a_diverse_one_by_the_deviation_alone():
    """Kernels are zero but for the weight of the deviation."""
    config = TrialConfig(architecture="mlp", width=0.0625, dropout=0.0, minibatch_std="batch")
    discriminator = build_networks(config, (SIZE, SIZE, 1), 10).discriminator
    head = discriminator.layers[-1]
    weights = np.zeros(head.kernel.shape, np.float32)
    weights[-1] = 1.0
    head.set_weights([weights, np.zeros(1, np.float32)])
    diverse = IMAGES[..., :1]
    collapsed = np.broadcast_to(diverse[:1], diverse.shape)
    high, low = (discriminator(x, training=True).numpy() for x in (diverse, collapsed))
    assert np.ptp(high) == np.ptp(low) == 0
    assert high[0] > 100 * low[0]


@pytest.mark.parametrize("conditional", ["none", "labels"])
def test_the_discriminator_judges_packs_with_their_labels(conditional):
    """A logit depends on the images of its pack, and on none of another."""
    config = TrialConfig(
        architecture="mlp", width=0.0625, dropout=0.0, packing=2, conditional=conditional
    )
    networks = build_networks(config, (SIZE, SIZE, 1), 10)
    images, classes = IMAGES[..., :1].copy(), np.arange(6)
    labels = np.eye(10, dtype=np.float32)[classes][:, : 10 if conditional == "labels" else 0]
    before = networks.judge(images, labels).numpy()
    assert before.shape == (3, 1)
    if conditional == "labels":
        labels[3] = np.roll(labels[3], 1)
    else:
        images[3] *= -1
    changed = networks.judge(images, labels).numpy() != before
    assert changed.ravel().tolist() == [False, True, False]


def test_real_images_and_fakes_are_augmented_and_a_generator_hears_through_it():
    config = TrialConfig(
        architecture="mlp", width=0.0625, dropout=0.0, augmentation="diffaugment", latent_dim=4
    )
    networks = build_networks(config, (SIZE, SIZE, 1), 10)
    plain = build_networks(config.replace(augmentation="none"), (SIZE, SIZE, 1), 10)
    for one, other in zip(networks, plain, strict=True):  # nothing else differs
        for value, same in zip(one.trainable_variables, other.trainable_variables, strict=True):
            assert np.array_equal(value.numpy(), same.numpy())
    nothing = np.zeros((6, 0), np.float32)
    logits = [networks.judge(IMAGES[..., :1], nothing).numpy() for _ in range(2)]
    assert not np.array_equal(*logits)
    with tf.GradientTape() as tape:
        fakes = networks.generate(tf.ones((6, 4)), tf.zeros((6, 0)))
        value = tf.reduce_sum(networks.judge(fakes, tf.zeros((6, 0))))
    gradients = tape.gradient(value, networks.generator.trainable_variables)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
