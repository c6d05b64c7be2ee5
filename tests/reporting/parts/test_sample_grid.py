"""Single images of a grid: found by its grey lines, shown at whole multiples, nothing else."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from harness.reporting.parts.trials.sample_grid import Sample, sample, side_of_images
from harness.tracking.image_grid import grid_png


def pixels(shown: Sample | None) -> np.ndarray:
    assert shown is not None
    content = base64.b64decode(shown.uri.split(",")[1])
    return np.asarray(Image.open(io.BytesIO(content)))


def images(count: int, side: int, channels: int = 1) -> np.ndarray:
    """Image k is grey 10 * k + 1, so that each can be told."""
    grey = (10 * np.arange(count) + 1).astype(np.uint8)
    return np.tile(grey[:, None, None, None], (1, side, side, channels))


@pytest.mark.parametrize(("side", "channels"), [(16, 1), (28, 1), (32, 3), (64, 3)])
def test_the_first_images_are_found_whatever_their_size(side: int, channels: int) -> None:
    grid = grid_png(images(9, side, channels))
    shown = sample(grid, 2, 2, "words", scale=2)
    assert shown is not None
    found = pixels(shown)
    assert found.shape[:2] == (2 * side + 2, 2 * side + 2)
    assert (shown.width, shown.height) == (2 * (2 * side + 2), 2 * (2 * side + 2))
    corners = found.reshape(*found.shape[:2], -1)[[0, 0, -1, -1], [0, -1, 0, -1], 0]
    np.testing.assert_array_equal(corners, [1, 11, 21, 31])
    assert (found[side : side + 2] == 128).all()


def test_a_column_has_the_same_images_as_the_first_ones_of_a_row() -> None:
    grid = grid_png(images(9, 28))
    column, row = pixels(sample(grid, 1, 3, "")), pixels(sample(grid, 3, 1, ""))
    np.testing.assert_array_equal(column[::30, 0], row[0, ::30])


def test_a_grid_of_fewer_images_is_filled_with_grey() -> None:
    found = pixels(sample(grid_png(images(2, 16)), 2, 2, ""))
    assert (found[18:] == 128).all()


def test_of_what_is_no_grid_a_corner_is_shown() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 200, 200, 1), dtype=np.uint8)
    assert side_of_images(noise[0, ..., 0]) is None
    assert pixels(sample(grid_png(noise), 4, 2, "")).shape == (64, 64)


def test_what_is_no_image_has_no_sample() -> None:
    assert sample(None, 2, 2, "") is None
    assert sample(b"no image", 2, 2, "") is None
