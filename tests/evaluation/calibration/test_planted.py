"""Planted collapses do what their names and doses say, to the images and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from harness.evaluation.calibration.planted import PLANTS, Pool, real_sample

NUM_CLASSES, PER_CLASS, SIZE = 10, 60, 400


def _pool() -> Pool:
    """Ten classes of different images: pixel (0, 0) holds 20 times the class."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(NUM_CLASSES), PER_CLASS)
    images = rng.integers(0, 256, (2 * len(labels), 8, 8, 1), dtype=np.uint8)
    images[: len(labels), 0, 0, 0] = 20 * labels
    return Pool(images[: len(labels)], labels, images[len(labels) :])


POOL = _pool()


def _made(name: str, dose: float, seed: int = 1) -> np.ndarray:
    return PLANTS[name].make(POOL, SIZE, dose, np.random.default_rng(seed))


def _classes(images: np.ndarray) -> np.ndarray:
    return images[:, 0, 0, 0] // 20


def _different(images: np.ndarray) -> int:
    return len(np.unique(images.reshape(len(images), -1), axis=0))


@pytest.mark.parametrize("name", PLANTS)
def test_every_plant_keeps_the_form_and_listens_to_its_rng(name: str) -> None:
    plant = PLANTS[name]
    assert list(plant.doses) == sorted(plant.doses)
    for dose in (0.0, *plant.doses):
        images = _made(name, dose)
        assert images.shape == (SIZE, 8, 8, 1)
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, _made(name, dose))
        assert not np.array_equal(images, _made(name, dose, seed=2))
        assert plant.words(dose or 1.0)


@pytest.mark.parametrize("name", sorted(set(PLANTS) - {"repeated_images"}))  # with replacement
def test_dose_0_is_a_sample_of_different_real_images(name: str) -> None:
    images = _made(name, 0.0)
    assert _different(images) == SIZE
    pool = {image.tobytes() for image in POOL.images}
    assert {image.tobytes() for image in images} <= pool


def test_real_samples_are_different_images() -> None:
    assert _different(real_sample(POOL, SIZE, np.random.default_rng(0))) == SIZE


@pytest.mark.parametrize(("dose", "left"), [(0.1, 9), (0.2, 8), (0.5, 5), (0.9, 1), (1.0, 1)])
def test_classes_are_dropped_whole(dose: float, left: int) -> None:
    assert len(np.unique(_classes(_made("dropped_classes", dose)))) == left


@pytest.mark.parametrize("support", [100, 30, 1])
def test_repeated_images_are_draws_from_the_support(support: int) -> None:
    # Of 400 draws from 100 images, 100 (1 - 0.99^400) = 98.2 are met, standard deviation 1.3.
    assert support - 7 <= _different(_made("repeated_images", 1 / support)) <= support


def test_shrinking_moves_every_image_its_share_of_the_way() -> None:
    whole = _made("shrunken_classes", 1.0)
    start, half = (_made("shrunken_classes", dose).astype(float) for dose in (0.0, 0.5))
    assert _different(whole) == NUM_CLASSES
    assert np.abs(half - (start + whole) / 2).max() <= 0.5  # rounding


@pytest.mark.parametrize("dose", [0.25, 0.8])
def test_a_share_of_the_images_repeats_one_of_its_class(dose: float) -> None:
    images = _made("few_exemplars", dose)
    # What is not spoiled is different; the ten exemplars may be among it once more.
    assert SIZE * (1 - dose) <= _different(images) <= SIZE * (1 - dose) + NUM_CLASSES
    np.testing.assert_array_equal(_classes(images), _classes(_made("few_exemplars", 0.0)))


def test_one_class_grows_by_its_dose() -> None:
    shares = np.bincount(_classes(_made("imbalanced_classes", 0.5)), minlength=NUM_CLASSES) / SIZE
    # 0.5 + 0.1 of the rest: 0.55, give or take what 400 draws without replacement vary (sd 0.01).
    assert shares.max() == pytest.approx(0.55, abs=0.04)
    assert (np.sort(shares)[:-1] < 0.1).all()


@pytest.mark.parametrize("dose", [0.25, 1.0])
def test_exactly_the_dose_is_copied_from_the_training_images(dose: float) -> None:
    training = {image.tobytes() for image in POOL.training}
    copies = sum(image.tobytes() in training for image in _made("copied_images", dose))
    assert copies == round(dose * SIZE)


def test_blur_keeps_the_mean_and_noise_has_its_size() -> None:
    plain = _made("blurred_images", 0.0).astype(float)
    assert _made("blurred_images", 2.0).astype(float).std() < 0.3 * plain.std()
    middle = (plain > 100) & (plain < 155)  # where noise of 5 standard deviations is not clipped
    added = (_made("noisy_images", 0.05).astype(float) - _made("noisy_images", 0.0))[middle]
    # About 5,500 pixels: the standard deviation of their noise is within 3 % of 0.05 * 255.
    assert added.std() == pytest.approx(0.05 * 255, rel=0.05)


def test_the_verdicts_leave_a_gap_between_harmless_and_collapsed() -> None:
    assert PLANTS["dropped_classes"].verdict(0.0) is False
    assert PLANTS["dropped_classes"].verdict(0.1) is None
    assert PLANTS["dropped_classes"].verdict(0.2) is True
    assert PLANTS["repeated_images"].verdict(1 / 100) is True
    assert [PLANTS["copied_images"].verdict(dose) for dose in (0.25, 1.0)] == [False, False]
