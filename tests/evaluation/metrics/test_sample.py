"""The sample that all metrics see: checks, class shares, drawing."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample


def _sample(num_images=5, **changes):
    parts = {
        "images": np.arange(num_images * 4, dtype=np.uint8).reshape(num_images, 2, 2, 1),
        "features": np.arange(num_images * 3, dtype=np.float64).reshape(num_images, 3),
        "probabilities": np.full((num_images, 2), 0.5),
    }
    return Sample(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.zeros((4, 3))}, r"\(5, 2, 2, 1\), \(4, 3\)"),
        ({"features": np.zeros(5)}, "features"),
        ({"features": np.full((5, 3), np.nan)}, "features of a sample must be finite"),
        ({"probabilities": np.full((5, 2), np.inf)}, "probabilities of a sample must be finite"),
    ],
)
def test_wrong_parts_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        _sample(**changes)


def test_one_image_is_not_a_sample():
    with pytest.raises(InputError, match="at least 2 images, got 1"):
        _sample(num_images=1)


def test_class_shares_count_the_most_probable_class():
    sample = _sample(num_images=4, probabilities=np.eye(3)[[0, 0, 2, 0]])
    np.testing.assert_allclose(sample.class_shares, [0.75, 0.0, 0.25])


def test_the_same_images_are_taken_in_any_order():
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (50, 3, 3, 1)).astype(np.uint8)
    images[:, 0, 0] = 0  # leading zero bytes must not end the comparison
    sample = Sample(images, np.arange(50.0)[:, None], np.full((50, 2), 0.5))
    order = rng.permutation(50)
    shuffled = Sample(images[order], sample.features[order], sample.probabilities)
    taken = sample.take(20, np.random.default_rng(7))
    np.testing.assert_array_equal(
        shuffled.take(20, np.random.default_rng(7)).features, taken.features
    )
    assert len(np.unique(taken.features)) == 20


def test_taking_everything_keeps_the_sample_and_taking_more_is_refused():
    sample = _sample()
    assert sample.take(5, np.random.default_rng(0)) is sample
    with pytest.raises(InputError, match="6 images asked of a sample of 5"):
        sample.take(6, np.random.default_rng(0))


def test_derived_is_computed_once():
    sample, calls = _sample(), []
    for _ in range(2):
        assert sample.derived("key", lambda: calls.append(1) or "value") == "value"
    assert calls == [1]
