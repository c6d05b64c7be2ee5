import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.neighbors import KNeighborsClassifier

from harness.core.config import TrialConfig
from harness.core.errors import DivergedError, InputError
from harness.core.registry import PROCEDURES
from harness.data.load import load_dataset
from harness.training import loop
from harness.training.draws import latents
from harness.training.loop import Trainer
from harness.training.procedures import Procedure, Step

TINY = TrialConfig(width=0.0625, batch_size=16, images=160, latent_dim=8)
CHEAPEST = TINY.replace(architecture="mlp", normalization="none", optimizer="sgd")
"""Compiled in half the time."""


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def trained(config, dataset, milestones=(80, 160)):
    trainer = Trainer(config, dataset)
    return trainer, list(trainer.run(milestones))


@pytest.fixture(scope="module")
def plain(digits):
    """A trainer of TINY after its training, and its reports; a training is compiled for seconds."""
    return trained(TINY, digits)


def images_of(config, dataset):
    """What a generator makes after the training of ``config``.

    The next trainer of the same shapes gets its compiled program.
    """
    with Trainer(config, dataset) as trainer:
        list(trainer.run((80, 160)))
        return trainer.generate(20)


@pytest.fixture(scope="module")
def images_of_cheapest(digits):
    return images_of(CHEAPEST, digits)


def test_progress_at_every_milestone_with_finite_metrics(plain):
    trainer, progress = plain
    assert [p.images_seen for p in progress] == [80, 160]
    assert trainer.images_seen == 160
    for p in progress:
        assert set(p.metrics) == {*loop.STEP_METRICS, "images_per_second"}
        assert np.isfinite(list(p.metrics.values())).all()
        assert 0 <= p.metrics["d_real_accuracy"] <= 1
        assert p.metrics["images_per_second"] > 0
    assert trainer.train_seconds > 0


@pytest.mark.slow
def test_a_milestone_that_is_no_multiple_of_the_batch_is_met_within_half_a_batch(digits):
    with Trainer(TINY, digits) as trainer:
        assert [p.images_seen for p in trainer.run((70, 151))] == [70, 151]
        assert abs(trainer.images_seen - 151) <= TINY.batch_size / 2


def test_same_configuration_same_images_bit_for_bit(digits, plain):
    first, _ = plain
    assert np.array_equal(first.generate(20), images_of(TINY, digits))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        pytest.param({"learning_rate": 1e-2}, marks=pytest.mark.slow),
        pytest.param({"leaky_slope": 0.0}, marks=pytest.mark.slow),
    ],
)
def test_another_configuration_other_images(digits, plain, change):
    first, _ = plain
    assert not np.array_equal(first.generate(20), images_of(TINY.replace(**change), digits))


def test_how_steps_are_cut_into_calls_does_not_matter(digits, monkeypatch):
    with Trainer(TINY, digits) as trainer:
        one, whole = list(trainer.run((160,))), trainer.generate(20)
    monkeypatch.setattr(loop, "MAX_CALL_SECONDS", 1e-9)  # every call takes a single step
    monkeypatch.setattr(loop, "FIRST_CALL_STEPS", 1)
    calls = []
    cut = Trainer(TINY, digits)
    two = list(cut.run([80, 160], lambda seen, rate: calls.append(seen)))
    assert calls == list(range(16, 161, 16))
    assert np.array_equal(whole, cut.generate(20))
    mean = np.mean([p.metrics["d_loss"] for p in two])
    assert one[0].metrics["d_loss"] == pytest.approx(mean, rel=1e-5)  # float32 sums


def test_every_epoch_shows_every_image_once(digits, monkeypatch):
    """Image i is all i: the step counts which images it was shown."""
    images = np.broadcast_to(np.arange(50, dtype=np.uint8)[:, None, None, None], (50, 28, 28, 1))
    labels = digits.y_train[: len(images)]
    dataset = dataclasses.replace(digits, x_train=images, y_train=labels)
    shown = tf.Variable(tf.zeros(50, tf.int32))

    def count(networks, optimizers, game, batch):
        rows = tf.cast(tf.round(batch.real_images[:, 0, 0, 0] * 255), tf.int32)
        shown.scatter_nd_add(rows[:, None], tf.ones_like(rows))
        logits = tf.zeros([16, 1])
        return Step(tf.constant(0.0), tf.constant(0.0), logits, logits)

    monkeypatch.setattr(PROCEDURES, "get", lambda name: Procedure("count", count, "test", 1, count))
    trainer = Trainer(TINY.replace(pixel_scaling="unit", images=400), dataset)
    list(trainer.run([48, 208, 400]))  # 400 images are 8 epochs of 50; 16 does not divide 50
    assert shown.numpy().tolist() == [8] * 50


def test_every_update_of_the_discriminator_has_new_images_and_noise(digits, monkeypatch):
    """Three for each of the generator: 96 images are 2 steps of 3 batches of 16, 48 in an epoch."""
    images = np.broadcast_to(np.arange(48, dtype=np.uint8)[:, None, None, None], (48, 28, 28, 1))
    labels = digits.y_train[: len(images)]
    dataset = dataclasses.replace(digits, x_train=images, y_train=labels)
    shown, updates = tf.Variable(tf.zeros(48, tf.int32)), tf.Variable([0, 0])
    noise = tf.Variable(tf.zeros([6, 8]))

    def seen(kind, batch):
        rows = tf.cast(tf.round(batch.real_images[:, 0, 0, 0] * 255), tf.int32)
        shown.scatter_nd_add(rows[:, None], tf.ones_like(rows))
        noise.scatter_nd_update([[tf.reduce_sum(updates)]], batch.noise[0, :1])
        updates.scatter_nd_add([[kind]], [1])
        assert batch.real_images.shape == (16, 28, 28, 1)

    def step(networks, optimizers, game, batch):
        seen(1, batch)
        logits = tf.zeros([16, 1])
        return Step(tf.constant(0.0), tf.constant(0.0), logits, logits)

    def d_step(networks, optimizers, game, batch):
        seen(0, batch)

    record = Procedure("count", step, "test", 1, d_step)
    monkeypatch.setattr(PROCEDURES, "get", lambda name: record)
    config = TINY.replace(pixel_scaling="unit", images=96, discriminator_steps=3)
    trainer = Trainer(config, dataset)
    reports = list(trainer.run([48, 96]))
    assert [trainer.images_seen, *(one.images_seen for one in reports)] == [96, 48, 96]
    assert updates.numpy().tolist() == [4, 2]
    assert shown.numpy().tolist() == [2] * 48
    assert len(np.unique(noise.numpy()[:, 0])) == 6


def test_divergence_ends_with_the_images_seen_at_which_it_was_seen(digits, monkeypatch):
    """The third step of the second interval gives NaN."""
    steps = tf.Variable(0)

    def diverge(networks, optimizers, game, batch):
        loss = tf.where(steps.assign_add(1) >= 8, np.nan, 1.0)
        logits = tf.zeros([16, 1])
        return Step(tf.constant(1.0), loss, logits, logits)

    monkeypatch.setattr(
        PROCEDURES, "get", lambda name: Procedure("diverge", diverge, "test", 1, diverge)
    )
    trainer = Trainer(TINY, digits)
    reports = trainer.run([80, 160])
    next(reports)
    with pytest.raises(DivergedError, match="g_loss is not finite at 128 images") as caught:
        next(reports)
    assert caught.value.images_seen == 128


def test_a_huge_learning_rate_diverges(digits):
    config = TINY.replace(
        optimizer="sgd", learning_rate=10.0, beta_1=0.9, normalization="none", images=3200
    )
    with pytest.raises(DivergedError):
        trained(config, digits, (1600, 3200))


@pytest.mark.parametrize(
    "scaling",
    [
        "centered",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("unit", "minmax", "maxabs")),
    ],
)
def test_generated_images_are_uint8_whatever_the_scaling(digits, plain, scaling):
    config = TINY.replace(pixel_scaling=scaling)
    trainer, _ = plain if config == TINY else trained(config, digits)
    images = trainer.generate(7)
    assert images.dtype == np.uint8
    assert images.shape == (7, 28, 28, 1)


def test_generation_is_a_prefix_of_a_larger_one_across_batches(digits):
    trainer = Trainer(TINY, digits)
    many = trainer.generate(loop.GENERATE_BATCH + 3)
    assert len(many) == loop.GENERATE_BATCH + 3
    assert np.array_equal(trainer.generate(5), many[:5])
    assert not np.array_equal(trainer.generate(5, stream="other"), many[:5])


def test_a_generator_that_gives_nan_has_diverged(digits):
    trainer = Trainer(TINY, digits)
    weights = trainer.networks.generator.get_weights()
    trainer.networks.generator.set_weights([np.full_like(w, np.nan) for w in weights])
    with pytest.raises(DivergedError, match="generated pixel"):
        trainer.generate(3)


def test_noise_has_the_distribution_that_was_asked_for():
    seen = SimpleNamespace()
    for distribution in ("normal", "uniform"):
        noise = latents(distribution, [20_000, 8], 3, 5).numpy().ravel()  # 160,000 numbers
        setattr(seen, distribution, noise)
    # standard error of the mean: 1 / sqrt(160,000) = 0.0025; of the variance: below 0.004
    assert abs(seen.normal.mean()) < 0.0125
    assert abs(seen.normal.var() - 1) < 0.02
    assert abs(seen.uniform.mean()) < 0.01
    assert abs(seen.uniform.var() - 1 / 3) < 0.01
    assert np.abs(seen.uniform).max() <= 1


@pytest.mark.slow
def test_bfloat16_trains_and_generates(digits):
    trainer, progress = trained(TINY.replace(precision="bfloat16"), digits)
    assert np.isfinite(progress[-1].metrics["d_loss"])
    assert trainer.generate(3).dtype == np.uint8


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"augmentation": "classic"},
        {"augmentation": "diffaugment", "packing": 2, "penalty": "gradient"},
        {"discriminator_steps": 2},
    ],
)
def test_it_changes_what_is_trained(change, digits, images_of_cheapest):
    assert not np.array_equal(images_of_cheapest, images_of(CHEAPEST.replace(**change), digits))


@pytest.mark.slow
def test_a_conditional_generator_makes_the_classes_that_it_is_asked_for(digits):
    """A classifier that knows the training images recognises the labels of generated ones."""
    config = TINY.replace(
        conditional="labels",
        architecture="mlp",
        width=0.25,
        images=25_600,
        batch_size=64,
        learning_rate=1e-3,
        dropout=0.0,
    )
    trainer, _ = trained(config, digits, (25_600,))
    images, labels = trainer.generate_labelled(300)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    neighbours = KNeighborsClassifier(3)
    neighbours.fit(digits.x_train.reshape(len(digits.x_train), -1), digits.y_train)
    # without the labels reaching both networks, one in ten is right
    assert np.mean(neighbours.predict(images.reshape(300, -1)) == labels) > 0.5


def test_labels_of_generated_images_have_the_shares_of_the_training_images(digits):
    unequal = np.where(np.arange(len(digits.y_train)) % 4 == 0, 3, 7)  # one in four is a 3
    dataset = dataclasses.replace(digits, y_train=unequal)
    trainer = Trainer(TINY.replace(conditional="labels"), dataset)
    images, labels = trainer.generate_labelled(4_000)
    assert set(labels) == {3, 7}
    # standard error of the share: sqrt(0.25 * 0.75 / 4000) = 0.007
    assert abs(np.mean(labels == 3) - 0.25) < 0.035
    assert np.array_equal(images, trainer.generate(4_000))
    assert np.array_equal(trainer.generate_labelled(5)[1], labels[:5])
    assert not np.array_equal(trainer.generate_labelled(100, "other")[1], labels[:100])


def test_real_images_come_with_their_own_labels(digits, monkeypatch):
    """Image i is all i and has label i modulo 10; labels of fakes are drawn for each batch."""
    images = np.broadcast_to(np.arange(50, dtype=np.uint8)[:, None, None, None], (50, 28, 28, 1))
    dataset = dataclasses.replace(digits, x_train=images, y_train=np.arange(50) % 10)
    wrong, shapes = tf.Variable(0), []

    def compare(networks, optimizers, game, batch):
        rows = tf.cast(tf.round(batch.real_images[:, 0, 0, 0] * 255), tf.int32)
        told = tf.argmax(batch.real_labels, axis=-1, output_type=tf.int32)
        wrong.assign_add(tf.reduce_sum(tf.cast(told != rows % 10, tf.int32)))
        shapes.append((batch.real_labels.shape, batch.fake_labels.shape))
        logits = tf.zeros([16, 1])
        return Step(tf.constant(0.0), tf.constant(0.0), logits, logits)

    monkeypatch.setattr(
        PROCEDURES, "get", lambda name: Procedure("compare", compare, "test", 2, compare)
    )
    config = TINY.replace(pixel_scaling="unit", conditional="labels")
    list(Trainer(config, dataset).run([160]))
    assert wrong.numpy() == 0
    assert shapes[0] == ((16, 10), (2, 16, 10))


def test_images_of_an_unconditional_generator_have_no_labels(digits):
    with pytest.raises(InputError, match=r"conditional is 'none'.*need conditional = 'labels'"):
        Trainer(TINY, digits).generate_labelled(3)


def test_more_classes_than_planes_are_refused(digits):
    dataset = dataclasses.replace(digits, num_classes=1_000)
    with pytest.raises(InputError, match="at most 100 classes, this one has 1,000"):
        Trainer(TINY.replace(conditional="labels"), dataset)


def test_a_saved_conditional_generator_loads_in_safe_mode_and_gives_the_same(digits, tmp_path):
    trainer = Trainer(TINY.replace(conditional="labels"), digits)
    generator = trainer.networks.generator
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras", safe_mode=True)
    inputs = np.random.default_rng(0).normal(size=(4, TINY.latent_dim + 10)).astype(np.float32)
    assert np.array_equal(loaded(inputs), generator(inputs))
