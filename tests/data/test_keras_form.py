"""Arrays in Keras form: read as they are, or refused in one line that names what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.npz import load_npz


def test_a_file_is_read_as_it_is(arrays, save):
    dataset = load_npz(save(arrays))
    np.testing.assert_array_equal(dataset.x_train[..., 0], arrays["x_train"])
    np.testing.assert_array_equal(dataset.x_test[..., 0], arrays["x_test"])
    np.testing.assert_array_equal(dataset.y_train, arrays["y_train"])
    np.testing.assert_array_equal(dataset.y_test, arrays["y_test"])
    assert dataset.x_train.dtype == np.uint8
    assert dataset.y_train.dtype == np.int64
    assert dataset.image_shape == (28, 28, 1)
    assert (dataset.name, dataset.num_classes) == ("made", 3)
    assert "made.npz" in dataset.source


@pytest.mark.parametrize("channels", [1, 3])
def test_a_channel_axis_is_kept(arrays, save, channels):
    for key in ("x_train", "x_test"):
        arrays[key] = np.repeat(arrays[key][..., None], channels, axis=3)
    assert load_npz(save(arrays)).image_shape == (28, 28, channels)


def test_the_same_content_in_another_form_is_the_same_dataset(arrays, save):
    first = load_npz(save(arrays)).fingerprint
    arrays["x_train"] = np.asfortranarray(arrays["x_train"])
    arrays["x_test"] = arrays["x_test"][..., None]
    arrays["y_train"] = arrays["y_train"].astype(">i4")[:, None]  # as Keras's CIFAR: (N, 1)
    arrays["notes"] = np.array(["an array that nobody asked for"])
    assert load_npz(save(arrays)).fingerprint == first


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "y_test"])
def test_every_array_counts_in_the_fingerprint(arrays, save, key):
    first = load_npz(save(arrays)).fingerprint
    arrays[key] = np.roll(arrays[key], 1, axis=0)
    assert load_npz(save(arrays)).fingerprint != first


def test_missing_keys_are_listed_with_what_is_there(arrays, save, refusal):
    arrays["images"] = arrays.pop("x_train")
    del arrays["y_test"]
    line = refusal(save(arrays))
    assert "x_train, y_test missing" in line
    assert "'images', 'x_test', 'y_train'" in line


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("x_train", np.zeros((30, 28, 28), np.int16), "x_train is int16; allowed: uint8"),
        ("x_train", np.zeros((30, 28, 28), np.int8), "x_train is int8; allowed: uint8"),
        ("x_train", np.zeros((30, 28, 28), np.float32), "x_train is float32; allowed: uint8"),
        ("x_test", np.full((12, 28, 28), np.nan), f"x_test is float64 and holds {12 * 784:,} NaN"),
        ("x_train", np.full((30, 28, 28), None), "x_train holds Python objects"),
        ("y_train", np.array([None] * 30), "y_train holds Python objects"),
        ("x_train", ones(30, 784), "x_train has shape (30, 784); the models take (N, S, S)"),
        ("x_train", ones(30, 1, 28, 28), "x_train holds images of 1x28x28, x_test of 28x28x1"),
        ("x_test", ones(12, 32, 28), "x_train holds images of 28x28x1, x_test of 32x28x1"),
        ("x_test", ones(12, 28, 28, 3), "x_train holds images of 28x28x1, x_test of 28x28x3"),
        ("y_train", np.zeros(30), "y_train is float64; allowed: integer labels"),
        ("y_train", np.zeros(30, bool), "y_train is bool; allowed: integer labels"),
        ("y_test", np.array(["a"] * 12), "y_test is <U1; allowed: integer labels"),
        ("y_train", np.arange(29) % 3, "y_train has shape (29,); allowed: (30,)"),
        ("y_train", np.eye(30, 3, dtype=int), "y_train has shape (30, 3); allowed: (30,)"),
        ("y_train", np.arange(30) % 3 - 1, "y_train holds the negative label -1"),
        ("y_test", np.arange(12) % 3 - 1, "y_test holds the negative label -1"),
        ("y_train", np.arange(30) % 3 * 2, "y_train holds the classes 0, 2, 4; allowed: 0 to 2"),
        ("y_train", np.arange(30) % 3 + 1, "y_train holds the classes 1, 2, 3; allowed: 0 to 2"),
        ("y_train", np.arange(30) * 2, "0, 2, 4, 6, 8, 10, 12, 14, ... (30 in all)"),
        ("y_train", np.arange(30, dtype=np.uint64) % 3 << 62, "y_train holds the classes 0, 46116"),
        ("y_test", np.arange(12) % 2, "y_test holds the classes 0, 1, y_train 0, 1, 2"),
        ("x_train", ones(0, 28, 28), "x_train is empty"),
        ("x_test", ones(0, 28, 28), "x_test is empty"),
    ],
)
def test_a_wrong_array_is_named(arrays, save, key, value, says, refusal):
    arrays[key] = value
    assert says in refusal(save(arrays))


def test_more_classes_than_scores_can_tell_are_refused(arrays, save, refusal):
    for split, images in (("train", "x_train"), ("test", "x_test")):
        arrays[images] = ones(1_001, 28, 28)
        arrays[f"y_{split}"] = np.arange(1_001)
    assert "y_train holds 1,001 classes; allowed: 1 to 1,000" in refusal(save(arrays))
    for split in ("train", "test"):
        arrays[f"y_{split}"] = np.arange(1_001) % 1_000
    assert load_npz(save(arrays)).num_classes == 1_000


@pytest.mark.parametrize(
    "shape", [(30, 30), (12, 12), (68, 68), (28, 32), (28, 28, 2), (28, 28, 1, 1)]
)
def test_a_size_that_no_model_takes_is_refused(arrays, save, shape, refusal):
    arrays["x_train"], arrays["x_test"] = ones(30, *shape), ones(12, *shape)
    assert f"has shape (30, {str(shape)[1:]}; the models take (N, S, S)" in refusal(save(arrays))


@pytest.mark.parametrize("side", [16, 32, 64])
def test_other_sizes_are_read_as_they_are(arrays, save, side):
    arrays["x_train"], arrays["x_test"] = ones(30, side, side), ones(12, side, side)
    assert load_npz(save(arrays)).image_shape == (side, side, 1)


def test_classes_that_cannot_be_told_apart_are_said(arrays, save):
    assert load_npz(save(arrays)).class_fault == ""  # three classes of 14 images
    arrays["y_train"] = np.array([2] * 4 + [0, 1] * 13, np.uint8)  # 4 and 4 of class 2
    assert load_npz(save(arrays)).class_fault == "class 2 has 8 images, fewer than 10"
    arrays["y_train"], arrays["y_test"] = np.zeros(30, int), np.zeros(12, int)
    assert load_npz(save(arrays)).class_fault == "all images are of one class"
