"""Pixel scalings: scikit-learn's values, the promised range, and the identity on uint8 images."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler

from harness.core.config import CHOICES
from harness.core.errors import InputError
from harness.data.scaling import fit_scaling

NAMES = CHOICES["pixel_scaling"]
SKLEARN = {"minmax": MinMaxScaler, "maxabs": MaxAbsScaler}

# float32 rounds the multiplier, the product, the offset and the sum, each by 2^-24 of something
# that is at most 255 multipliers; one more for what the roundings do to each other.
ROUNDINGS = 5 * 255 * 2.0**-24

SHAPE = (3, 2, 2)


def images(count: st.SearchStrategy[int]) -> st.SearchStrategy[np.ndarray]:
    """uint8 batches of small images, any values, constant pixels and black images included."""
    values = st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 254, 255]))
    return count.flatmap(lambda n: arrays(np.uint8, (n, *SHAPE), elements=values))


@pytest.mark.parametrize("name", NAMES)
@given(fitted=images(st.integers(1, 5)), others=images(st.integers(1, 5)))
def test_round_trip_of_any_images_is_the_identity(name, fitted, others):
    scaling = fit_scaling(name, fitted)
    np.testing.assert_array_equal(scaling.unscale(scaling.scale(others)), others)


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_over_every_pixel_range_and_value(name):
    # One pixel for each darkest and brightest value that a pixel can have; all 256 grey levels.
    darkest, brightest = np.triu_indices(256)
    fitted = np.stack([darkest, brightest]).astype(np.uint8)[:, None, :, None]
    scaling = fit_scaling(name, fitted)
    levels = np.broadcast_to(
        np.arange(256, dtype=np.uint8)[:, None, None, None], (256, *fitted.shape[1:])
    )
    for some in np.split(levels, 8):
        np.testing.assert_array_equal(scaling.unscale(scaling.scale(some)), some)


@pytest.mark.parametrize("name", NAMES)
@given(fitted=images(st.integers(1, 5)))
def test_fitted_images_stay_in_the_range(name, fitted):
    scaling = fit_scaling(name, fitted)
    scaled = scaling.scale(fitted)
    assert scaled.dtype == np.float32
    assert scaled.shape == fitted.shape
    assert scaled.min() >= scaling.low - ROUNDINGS
    assert scaled.max() <= scaling.high + ROUNDINGS


@pytest.mark.parametrize("name", NAMES)
def test_the_range_is_attained(name):
    scaling = fit_scaling(name, np.array([0, 255], np.uint8).reshape(2, 1, 1, 1))
    scaled = scaling.scale(np.array([0, 255], np.uint8).reshape(2, 1, 1, 1))
    # Here each multiplier is at most 2/255, so the roundings are at most 10 of 2^-24.
    np.testing.assert_allclose(scaled.ravel(), [scaling.low, scaling.high], atol=10 * 2.0**-24)


@pytest.mark.parametrize("name", sorted(SKLEARN))
@given(fitted=images(st.integers(1, 5)), others=images(st.integers(1, 5)))
def test_fitted_scalings_agree_with_scikit_learn(name, fitted, others):
    scaling = fit_scaling(name, fitted)
    scaler = SKLEARN[name]().fit(fitted.reshape(len(fitted), -1))
    expected = scaler.transform(others.reshape(len(others), -1)).reshape(others.shape)
    assert scaling.multiplier.shape == SHAPE
    assert (np.abs(scaling.scale(others) - expected) <= ROUNDINGS * scaling.multiplier).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("centered", [-1, -1 + 51 / 127.5, 1]),  # x / 127.5 - 1
        ("unit", [0, 0.2, 1]),  # x / 255
        # Fitted below on 51..204: minmax (x - 51) / 153, maxabs x / 204.
        ("minmax", [-1 / 3, 0, 4 / 3]),
        ("maxabs", [0, 0.25, 1.25]),
    ],
)
def test_closed_forms(name, expected):
    scaling = fit_scaling(name, np.array([51, 204, 100], np.uint8).reshape(3, 1, 1, 1))
    scaled = scaling.scale(np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1))
    np.testing.assert_allclose(scaled.ravel(), expected, rtol=0, atol=10 * 2.0**-24)
    by_hand = np.float32([0, 51, 255]) * scaling.multiplier.item() + scaling.offset.item()
    np.testing.assert_allclose(scaled.ravel(), by_hand, rtol=0, atol=10 * 2.0**-24)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_rounded_to_nearest_and_clipped(name):
    scaling = fit_scaling(name, np.array([0, 255], np.uint8).reshape(2, 1, 1, 1))
    grey = np.array([-1e6, -0.6, 10.4, 10.6, 254.6, 255.6, 1e6])
    values = scaling.low + (scaling.high - scaling.low) * grey / 255
    pixels = scaling.unscale(values.reshape(-1, 1, 1, 1))
    assert pixels.dtype == np.uint8
    assert pixels.ravel().tolist() == [0, 0, 10, 11, 255, 255, 255]


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_low_precision_values_are_unscaled(dtype):
    values = np.array([0, 0.25, 0.75, 1], dtype).reshape(4, 1, 1, 1)
    pixels = fit_scaling("unit", np.zeros((1, 1, 1, 1), np.uint8)).unscale(values)
    assert pixels.ravel().tolist() == [0, 64, 191, 255]  # 63.75 and 191.25, rounded


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_no_pixel(value):
    values = np.zeros((2, 3, 3, 1), np.float32)
    values[1, 2, 0, 0] = value
    with pytest.raises(ValueError, match="NaN or an infinity"):
        fit_scaling("centered", np.zeros((1, 3, 3, 1), np.uint8)).unscale(values)


def test_a_pixel_that_never_changes_keeps_its_unit():
    # scikit-learn's rule: a range of zero counts as one.
    constant = fit_scaling("minmax", np.full((2, 1, 1, 1), 7, np.uint8))
    assert (constant.multiplier.item(), constant.offset.item()) == (1, -7)
    black = fit_scaling("maxabs", np.zeros((2, 1, 1, 1), np.uint8))
    assert (black.multiplier.item(), black.offset.item()) == (1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_arrays_fit_a_float32_graph_and_cannot_be_changed(name):
    scaling = fit_scaling(name, np.zeros((2, 4, 5, 3), np.uint8))
    for array in (scaling.multiplier, scaling.offset):
        assert array.dtype == np.float32
        assert np.broadcast_shapes(array.shape, (4, 5, 3)) == (4, 5, 3)
        assert not array.flags.writeable


def test_wrong_input_is_named():
    black = np.zeros((1, 1, 1, 1), np.uint8)
    with pytest.raises(InputError, match="'zscore'; allowed: centered, maxabs, minmax, unit"):
        fit_scaling("zscore", black)
    with pytest.raises(ValueError, match="takes uint8 images, got float64"):
        fit_scaling("unit", black).scale(black / 255)
