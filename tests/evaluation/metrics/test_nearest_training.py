"""The nearest training image of each sample, and how near held-out real images lie."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample
from harness.evaluation.metrics._nearest_training import nearest_training


def on_a_line(*places: float, training: Sample | None = None) -> Sample:
    """Images whose one feature is their place, and whose pixels are its number in the sample."""
    size = len(places)
    images = np.arange(size, dtype=np.uint8).reshape(size, 1, 1, 1)
    return Sample(images, np.array(places)[:, None], np.ones((size, 1)), training)


def test_each_sample_stands_beside_the_nearest_training_image() -> None:
    """Held-out images lie 0.5, 1, 2 and 4 away: of 0, 1.5 and 9, none, half and all lie nearer."""
    training = on_a_line(0.0, 10.0, 20.0)
    real = on_a_line(0.5, 11.0, 22.0, 24.0, training=training)
    found = nearest_training(real, on_a_line(10.0, 1.5, 29.0))
    np.testing.assert_array_equal(found.images.ravel(), [1, 0, 2])
    np.testing.assert_allclose(found.distances, [0.0, 1.5, 9.0])
    np.testing.assert_allclose(found.nearer, [0.0, 0.5, 1.0])
    record = found.to_dict()
    assert (record["num_training"], record["num_held_out"]) == (3, 4)
    assert record["held_out_median"] == pytest.approx(1.5)


def test_without_training_images_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(InputError, match="training images"):
        nearest_training(on_a_line(0.0, 1.0), on_a_line(0.0, 1.0))
