"""Files that are no ``.npz``, damaged or hostile: refused in one line, and never expanded."""

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


def test_a_truncated_file_is_refused(arrays, save, refusal):
    path = save(arrays)
    path.write_bytes(path.read_bytes()[:-200])
    assert "damaged, or not an .npz file" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"no zip file", b"\x80\x04N."])  # the last is a pickle
def test_another_kind_of_file_is_refused(tmp_path, content, refusal):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    assert "not an .npz file" in refusal(path)


def test_a_single_npy_array_is_refused(tmp_path, refusal):
    path = tmp_path / "array.npz"
    with path.open("wb") as file:
        np.save(file, np.ones((30, 28, 28), np.uint8))
    assert "not an .npz file" in refusal(path)


def test_a_flipped_bit_is_found_by_the_checksum(arrays, save, refusal):
    path = save(arrays)
    np.savez(path, **arrays)  # uncompressed, so that only the checksum can tell
    content = bytearray(path.read_bytes())
    content[content.index(arrays["x_test"].tobytes()) + 5000] ^= 1
    path.write_bytes(content)
    assert "Bad CRC-32 for file 'x_test.npy'" in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_values_are_found_in_every_compression(arrays, save, method, refusal):
    path = save(arrays)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        size = archive.getinfo("x_train.npy").compress_size
    whole = path.read_bytes()
    assert load_npz(path).num_classes == 3
    path.write_bytes(whole[:100] + bytes(size - 200) + whole[size - 100 :])
    refusal(path)


def test_a_directory_that_promises_more_than_the_file_has_is_found(arrays, save, refusal):
    path = save(arrays)
    arrays["x_test"] = arrays.pop("x_test")  # now the last member
    np.savez(path, **arrays)
    content = path.read_bytes()
    end = content.index(b"PK\x01\x02")  # where the directory starts, and again in its last record
    shorter = (end - 9000).to_bytes(4, "little")
    path.write_bytes(content[: end - 9000] + content[end:-6] + shorter + content[-2:])
    assert "damaged, or not an .npz file: EOFError" in refusal(path)


@pytest.mark.parametrize(
    ("attribute", "value", "says"),
    [
        ("flag_bits", 1, "is encrypted"),
        ("compress_type", 99, "compression"),
        ("header_offset", 2**63 + 1, "damaged"),
    ],
)
def test_a_member_that_cannot_be_opened_is_refused(arrays, save, attribute, value, says, refusal):
    path = save(arrays)
    with zipfile.ZipFile(path, "a") as archive:
        setattr(archive.getinfo("x_test.npy"), attribute, value)
        archive.comment = b"rewrites the directory"
    assert says in refusal(path)


def test_a_directory_a_pipe_and_an_absent_file_are_named(tmp_path, refusal):
    assert "is a directory" in refusal(tmp_path)
    assert "No such file or directory" in refusal(tmp_path / "absent.npz")
    os.mkfifo(tmp_path / "pipe.npz")
    assert "not a regular file" in refusal(tmp_path / "pipe.npz")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(arrays, save, refusal):
    path = save(arrays)
    path.chmod(0)
    assert "Permission denied" in refusal(path)


def test_an_absurd_declared_size_is_refused_before_anything_is_read(arrays, save, refusal):
    path = save(arrays)
    replace_member(path, "x_train", header_only("|u1", (10**12, 28, 28)))
    # 784e12 bytes are 730,156 GiB; the other three arrays do not show.
    assert "declare 730,156.9 GiB; allowed: 4 GiB in all" in refusal(path)


def test_the_size_limit_counts_all_four_arrays(arrays, save, refusal):
    path = save(arrays)
    half = MAX_BYTES // 2 // 784 + 1
    replace_member(path, "x_train", header_only("|u1", (half, 28, 28)))
    assert "declares" in refusal(path)  # within the limit: refused for the absent values
    replace_member(path, "x_test", header_only("|u1", (half, 28, 28)))
    assert "allowed: 4 GiB in all" in refusal(path)


@pytest.mark.parametrize("member", [b"", header_only("|u1", (30, 28, 28))])
def test_a_zip_bomb_is_not_expanded(arrays, save, member, refusal):
    path = save(arrays)
    bomb = 64 * 1024**2
    replace_member(path, "x_train", member + bytes(bomb))
    assert path.stat().st_size < bomb / 100
    tracemalloc.start()
    refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < bomb / 20


def test_a_header_that_is_itself_a_bomb_is_not_expanded(arrays, save, refusal):
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
def test_a_damaged_header_is_refused(arrays, save, header, refusal):
    path = save(arrays)
    text = header.encode("latin-1") + b"\n"
    replace_member(path, "x_test", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    refusal(path)


def test_a_negative_length_is_refused(arrays, save, refusal):
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
