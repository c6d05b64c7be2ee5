"""Files in Keras form: read as they are, or refused in one line that names the fault."""

from __future__ import annotations

import contextlib
import io
import os
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import InputError
from harness.data.npz import MAX_BYTES, load_npz


def refusal(path: Path) -> str:
    """The one line with which ``path`` is refused; it starts with the path."""
    with pytest.raises(InputError) as caught:
        load_npz(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


def header_only(dtype: str, shape: tuple[int, ...]) -> bytes:
    """An ``.npy`` header that declares an array, without its values."""
    buffer = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def replace_member(path: Path, key: str, content: bytes) -> None:
    """Put ``content`` in the place of the member ``key``.npy of the zip file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, old in members.items():
            archive.writestr(name, content if name == f"{key}.npy" else old)


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


def test_missing_keys_are_listed_with_what_is_there(arrays, save):
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
        ("x_train", ones(30, 784), "x_train has shape (30, 784); the models take (N, 28, 28)"),
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
        ("y_train", np.zeros(30, int), "y_train holds one class only, 0; needed: at least 2"),
        ("y_test", np.arange(12) % 2, "y_test holds the classes 0, 1, y_train 0, 1, 2"),
        ("x_train", ones(0, 28, 28), "x_train is empty"),
        ("x_test", ones(0, 28, 28), "x_test is empty"),
    ],
)
def test_a_wrong_array_is_named(arrays, save, key, value, says):
    arrays[key] = value
    assert says in refusal(save(arrays))


@pytest.mark.parametrize("shape", [(32, 32), (28, 28, 2), (28, 28, 1, 1)])
def test_a_size_that_no_model_takes_is_refused(arrays, save, shape):
    arrays["x_train"], arrays["x_test"] = ones(30, *shape), ones(12, *shape)
    assert f"has shape (30, {str(shape)[1:]}; the models take (N, 28, 28)" in refusal(save(arrays))


def test_a_truncated_file_is_refused(arrays, save):
    path = save(arrays)
    path.write_bytes(path.read_bytes()[:-200])
    assert "damaged, or not an .npz file" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"no zip file", b"\x80\x04N."])  # the last is a pickle
def test_another_kind_of_file_is_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    assert "not an .npz file" in refusal(path)


def test_a_single_npy_array_is_refused(tmp_path):
    path = tmp_path / "array.npz"
    with path.open("wb") as file:
        np.save(file, ones(30, 28, 28))
    assert "not an .npz file" in refusal(path)


def test_a_flipped_bit_is_found_by_the_checksum(arrays, save):
    path = save(arrays)
    np.savez(path, **arrays)  # uncompressed, so that only the checksum can tell
    content = bytearray(path.read_bytes())
    content[content.index(arrays["x_test"].tobytes()) + 5000] ^= 1
    path.write_bytes(content)
    assert "Bad CRC-32 for file 'x_test.npy'" in refusal(path)


def test_a_directory_a_pipe_and_an_absent_file_are_named(tmp_path):
    assert "is a directory" in refusal(tmp_path)
    assert "No such file or directory" in refusal(tmp_path / "absent.npz")
    os.mkfifo(tmp_path / "pipe.npz")
    assert "not a regular file" in refusal(tmp_path / "pipe.npz")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(arrays, save):
    path = save(arrays)
    path.chmod(0)
    assert "Permission denied" in refusal(path)


def test_an_absurd_declared_size_is_refused_before_anything_is_read(arrays, save):
    path = save(arrays)
    replace_member(path, "x_train", header_only("|u1", (10**12, 28, 28)))
    # 784e12 bytes are 730,156 GiB; the other three arrays do not show.
    assert "declare 730,156.9 GiB; allowed: 4 GiB in all" in refusal(path)


def test_the_size_limit_counts_all_four_arrays(arrays, save):
    path = save(arrays)
    half = MAX_BYTES // 2 // 784 + 1
    replace_member(path, "x_train", header_only("|u1", (half, 28, 28)))
    assert "declares" in refusal(path)  # within the limit: refused for the absent values
    replace_member(path, "x_test", header_only("|u1", (half, 28, 28)))
    assert "allowed: 4 GiB in all" in refusal(path)


@pytest.mark.parametrize("member", [b"", header_only("|u1", (30, 28, 28))])
def test_a_zip_bomb_is_not_expanded(arrays, save, member):
    path = save(arrays)
    bomb = 64 * 1024**2
    replace_member(path, "x_train", member + bytes(bomb))
    assert path.stat().st_size < bomb / 100
    tracemalloc.start()
    refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < bomb / 20


def test_a_header_that_is_itself_a_bomb_is_not_expanded(arrays, save):
    path = save(arrays)
    length = 64 * 1024**2
    # Format 2.0 gives the header's length in four bytes, and numpy would read all of it.
    replace_member(
        path, "x_train", b"\x93NUMPY\x02\x00" + length.to_bytes(4, "little") + bytes(length)
    )
    tracemalloc.start()
    assert "npy format 2.0; allowed: 1.0" in refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < length / 20


@pytest.mark.parametrize(
    "header",
    [
        "{[]: 1}",
        "{'descr': ('<i4',), 'fortran_order': False, 'shape': ()}",
        "{'descr': '(1,', 'fortran_order': False, 'shape': ()}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 28, 28",
        "'\\",
        "[" * 90,
    ],
)
def test_a_damaged_header_is_refused(arrays, save, header):
    path = save(arrays)
    text = header.encode("latin-1") + b"\n"
    replace_member(path, "x_test", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    refusal(path)


def test_a_negative_length_is_refused(arrays, save):
    path = save(arrays)
    replace_member(path, "x_train", header_only("|u1", (-1, 28, 28)))
    assert "declares the shape (-1, 28, 28)" in refusal(path)


@settings(max_examples=300)
@given(
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
    ),
    cut=st.floats(0.5, 1),
)
def test_any_damage_is_refused_or_harmless(small_file, edits, cut):
    content = bytearray(small_file.read_bytes())
    for place, value in edits:
        content[int(place * len(content))] = value
    damaged = small_file.with_name("damaged.npz")
    damaged.write_bytes(content[: int(cut * len(content))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of headers that look like Python 2's
        with contextlib.suppress(InputError):
            load_npz(damaged)


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    """Two black images a split, compressed: most of its bytes are headers and directory."""
    path = tmp_path_factory.mktemp("fuzz") / "small.npz"
    images, labels = np.zeros((2, 28, 28), np.uint8), np.arange(2)
    np.savez_compressed(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path
