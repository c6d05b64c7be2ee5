"""Weight files: what identifies a classifier, and that no other file passes for it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.record_file import RecordError
from harness.evaluation.classifier.network import Recipe, build_network
from harness.evaluation.classifier.weights_file import (
    Identity,
    content_fingerprint,
    read_weights,
    record_of,
    write_weights,
)
from tests.support.classifiers import TINY, bars

IDENTITY = Identity.of(bars(), TINY)


def _write(path: Path, recipe: Recipe = TINY) -> None:
    network = build_network(recipe, (28, 28, 1), 3)
    write_weights(path, network, record_of(bars(), recipe, accuracy=0.5))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    _write(tmp_path / "w.npz")
    network, record = read_weights(tmp_path / "w.npz", IDENTITY, TINY)
    written = build_network(TINY, (28, 28, 1), 3)
    for got, expected in zip(network.weights, written.weights, strict=True):
        np.testing.assert_array_equal(got, expected)
    assert record == record_of(bars(), TINY, accuracy=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    _write(tmp_path / "a.npz")
    _write(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "w.npz")
    before = (tmp_path / "w.npz").read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        _write(tmp_path / "w.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]
    assert (tmp_path / "w.npz").read_bytes() == before


def _altered(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    record = json.loads(str(arrays.pop("record")))
    change(arrays, record)
    np.savez(path, **arrays, record=np.array(json.dumps(record)))


def _weight(arrays: dict[str, Any], record: dict[str, Any]) -> None:
    arrays["logits/bias"] = arrays["logits/bias"] + 1


def _accuracy(arrays: dict[str, Any], record: dict[str, Any]) -> None:
    record["accuracy"] = 0.999


def _identity(arrays: dict[str, Any], record: dict[str, Any]) -> None:
    record["identity"]["recipe_hash"] = "0" * 64


def _no_checksum(arrays: dict[str, Any], record: dict[str, Any]) -> None:
    del record["checksum"]


@pytest.mark.parametrize("change", [_weight, _accuracy, _identity, _no_checksum])
def test_whatever_is_altered_is_seen(
    change: Callable[[dict[str, Any], dict[str, Any]], None], tmp_path: Path
) -> None:
    _write(tmp_path / "w.npz")
    _altered(tmp_path / "w.npz", lambda arrays, record: None)
    read_weights(tmp_path / "w.npz", IDENTITY, TINY)  # written anew, nothing altered
    _altered(tmp_path / "w.npz", change)
    with pytest.raises(RecordError, match="checksum"):
        read_weights(tmp_path / "w.npz", IDENTITY, TINY)


@pytest.mark.parametrize("length", [0, 1, 300, -1])
def test_a_file_cut_anywhere_is_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    _write(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(RecordError):
        read_weights(path, IDENTITY, TINY)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.write_text("not a zip")
    with pytest.raises(RecordError, match="cannot be read"):
        read_weights(path, IDENTITY, TINY)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(RecordError, match="cannot be read"):
        read_weights(path, IDENTITY, TINY)
    np.savez(path, record=np.array("[]"))
    with pytest.raises(RecordError, match="not a table"):
        read_weights(path, IDENTITY, TINY)
    np.savez(path, allow_pickle=True, record=np.array([{}], dtype=object))
    with pytest.raises(RecordError, match="cannot be read"):
        read_weights(path, IDENTITY, TINY)


def test_no_file_is_not_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_weights(tmp_path / "none.npz", IDENTITY, TINY)


def test_a_whole_file_of_another_recipe_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "w.npz", dataclasses.replace(TINY, epochs=11))
    with pytest.raises(RecordError, match=r"made from another recipe_hash$"):
        read_weights(tmp_path / "w.npz", IDENTITY, TINY)


def test_the_key_depends_on_data_recipe_preprocessing_and_nothing_else() -> None:
    same = dataclasses.replace(bars(), name="renamed", source="elsewhere", fingerprint="other")
    assert Identity.of(same, TINY).key == IDENTITY.key
    others = [
        Identity.of(bars(seed=1), TINY),
        dataclasses.replace(IDENTITY, preprocessing="divided by 127.5"),
        dataclasses.replace(IDENTITY, num_classes=4),
        dataclasses.replace(IDENTITY, format=IDENTITY.format + 1),
    ]
    for field in dataclasses.fields(Recipe):
        old = getattr(TINY, field.name)
        new = (*old, 4) if isinstance(old, tuple) else old + 1
        others.append(Identity.of(bars(), dataclasses.replace(TINY, **{field.name: new})))
    keys = {identity.key for identity in others}
    assert len(keys) == len(others)
    assert IDENTITY.key not in keys


def test_the_content_fingerprint_sees_content_and_no_order() -> None:
    data = bars()
    fingerprint = content_fingerprint(data)
    rows = np.random.default_rng(0).permutation(len(data.x_train))
    shuffled = dataclasses.replace(data, x_train=data.x_train[rows], y_train=data.y_train[rows])
    assert content_fingerprint(shuffled) == fingerprint

    pixel = data.x_test.copy()
    pixel[3, 4, 5, 0] ^= 1
    labels = data.y_train[[1, 0, *range(2, len(data.y_train))]]  # the first two labels exchanged
    others = [
        dataclasses.replace(data, x_test=pixel),
        dataclasses.replace(data, y_train=labels),
        dataclasses.replace(data, x_train=data.x_train[:-1], y_train=data.y_train[:-1]),
        dataclasses.replace(
            data,
            x_train=data.x_test,
            y_train=data.y_test,
            x_test=data.x_train,
            y_test=data.y_train,
        ),
        dataclasses.replace(
            data,
            x_train=data.x_train.reshape(-1, 14, 56, 1),
            x_test=data.x_test.reshape(-1, 14, 56, 1),
        ),
    ]
    assert len({fingerprint, *(content_fingerprint(other) for other in others)}) == 6


def test_an_image_that_comes_twice_counts_twice() -> None:
    # A sum, not an exclusive or: pairs must not cancel.
    data = bars()
    doubled = dataclasses.replace(
        data, x_train=np.repeat(data.x_train, 2, axis=0), y_train=np.repeat(data.y_train, 2)
    )
    tripled = dataclasses.replace(
        data, x_train=np.repeat(data.x_train, 3, axis=0), y_train=np.repeat(data.y_train, 3)
    )
    found = {content_fingerprint(d) for d in (data, doubled, tripled)}
    assert len(found) == 3
