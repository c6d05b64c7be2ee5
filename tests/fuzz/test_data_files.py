"""Data files of every kind of wrongness: a dataset, or one line; nothing is unpickled or blown up.

That any damaged bytes are refused is tested in ``tests/data/test_npz.py``; here the files are whole
and their content is wrong.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

from harness.data.load import NAMES, load_dataset
from harness.data.npz import MAX_BYTES
from tests.support.wrong_input import cases, refused_in_one_line, texts

IMAGES, LABELS = np.zeros((4, 28, 28), np.uint8), np.arange(4) % 2
KEYS = ("x_train", "y_train", "x_test", "y_test")


class Trap:
    """Endings the tests if it is ever unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest_must_not_unpickle, ())


def pytest_must_not_unpickle() -> None:
    raise SystemExit("a data file was unpickled")


# Hypothesis draws constants of the code that is tested, the names of the datasets among them.
other_names = texts.filter(
    lambda name: name not in NAMES and not os.path.isdir(os.path.expanduser(name))
)

other_shapes = st.one_of(
    array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=5),
    st.sampled_from([(4, 28, 28, 1), (4, 28, 28, 3), (4, 28, 28, 4), (0, 28, 28), (4, 1), (3,)]),
)
members = st.one_of(
    arrays(scalar_dtypes(), other_shapes),
    arrays(np.int64, st.just((4,)), elements=st.sampled_from([-1, 0, 1, 2, 2**62])),
    arrays(np.uint64, st.just((4, 1)), elements=st.sampled_from([0, 1, 2**64 - 1])),
    st.just(np.array([Trap()], dtype=object)),
    st.just(np.array(["x"] * 4)),
    st.just(np.zeros(4, [("a", "u1"), ("b", "O")])),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """An ``.npz`` in which one to four members are wrong, are missing or have another name."""
    content: dict[str, Any] = {key: IMAGES if key.startswith("x") else LABELS for key in KEYS}
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True)):
        change = draw(st.sampled_from(["replace", "replace", "remove", "rename"]))
        if change == "replace":
            content[key] = draw(members)
        elif (value := content.pop(key)) is not None and change == "rename":
            content[draw(st.text("xy_train/.", min_size=1, max_size=9))] = value
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in content.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, value, version=None, allow_pickle=True)
            archive.writestr(f"{key}.npy", member.getvalue())
    return buffer.getvalue()


@cases(3)
@given(content=files())
def test_a_wrong_file_is_refused_in_one_line_or_a_dataset(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wrong.npz"
        path.write_bytes(content)
        with refused_in_one_line():
            found = load_dataset(str(path))
            assert found.x_train.dtype == found.x_test.dtype == np.uint8
            assert found.image_shape in ((28, 28, 1), (28, 28, 3))
            assert set(found.y_train) == set(found.y_test) == set(range(found.num_classes))


@cases()
@given(
    shape=st.lists(st.integers(-1, 2**40), min_size=1, max_size=4).map(tuple),
    kind=st.sampled_from(["|u1", "<i8", "|O", "<f8", "|V0", "|S1000000", "<M8[s]", "nonsense"]),
    padding=st.integers(0, 10**6),
)
def test_a_bomb_is_refused_by_its_header(shape: tuple[int, ...], kind: str, padding: int) -> None:
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape!r}}}\n".encode()
    bomb = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(padding)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bomb.npz"
        np.savez(path, y_train=LABELS, x_test=IMAGES, y_test=LABELS)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x_train.npy", bomb)
        with refused_in_one_line():
            assert load_dataset(str(path)).x_train.nbytes < MAX_BYTES


@cases()
@given(name=st.one_of(other_names, texts.map("{}.npz".format), st.just("~nobody/x.npz")))
def test_a_name_that_is_no_dataset_is_refused_in_one_line(name: str) -> None:
    with refused_in_one_line():
        load_dataset(name)
        raise AssertionError("accepted")
