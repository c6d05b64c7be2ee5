"""The way between latent vectors: ends, lengths, steps; and the images that are made of it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.data.load import load_dataset
from harness.training.interpolation import between
from harness.training.loop import Trainer

RNG = np.random.default_rng(0)
STARTS, ENDS = RNG.normal(size=(2, 3, 100)).astype(np.float32)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_way_begins_and_ends_at_its_vectors(distribution: str) -> None:
    found = between(STARTS, ENDS, 5, distribution)
    assert (found.shape, found.dtype) == ((15, 100), np.float32)
    np.testing.assert_allclose(found[[0, 5, 10]], STARTS, atol=1e-6)
    np.testing.assert_allclose(found[[4, 9, 14]], ENDS, atol=1e-6)


def test_normal_vectors_go_along_a_great_circle_in_equal_steps() -> None:
    """From (1, 0) to (0, 1) in three steps: every 30 degrees of the unit circle."""
    found = between(np.eye(2, dtype=np.float32)[:1], np.eye(2, dtype=np.float32)[1:], 4, "normal")
    degrees = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(
        found, np.column_stack([np.cos(degrees), np.sin(degrees)]), atol=1e-6
    )


def test_uniform_vectors_go_straight() -> None:
    found = between(STARTS[:1], ENDS[:1], 3, "uniform")
    np.testing.assert_allclose(found[1], (STARTS[0] + ENDS[0]) / 2, atol=1e-6)


def test_vectors_on_one_line_go_straight() -> None:
    start, end = np.array([[1.0]], np.float32), np.array([[-3.0]], np.float32)
    np.testing.assert_allclose(between(start, end, 3, "normal").ravel(), [1.0, -1.0, -3.0])


def test_a_trainer_makes_the_same_images_and_nothing_else_of_it() -> None:
    config = TrialConfig(dataset="digits", width=0.0625, batch_size=32, images=64, latent_dim=8)
    with Trainer(config, load_dataset("digits")) as trainer:
        list(trainer.run([64]))
        before, scored = trainer.snapshot(), trainer.generate(20)
        first, second = trainer.interpolate(2, 4), trainer.interpolate(2, 4)
        assert (first.shape, first.dtype) == ((8, 28, 28, 1), np.uint8)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(trainer.generate(20), scored)
        for name, array in trainer.snapshot().arrays.items():
            np.testing.assert_array_equal(array, before.arrays[name])
        assert not any((one == other).all() for one in first for other in scored)
