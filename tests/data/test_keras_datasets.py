"""Where named datasets come from, in which order, and what is said when it is from nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.core.errors import InputError
from harness.data.keras_datasets import NAMED, find_named
from harness.data.load import check_available, load_dataset
from tests.support.repository import REPOSITORY


@pytest.fixture
def places(tmp_path, arrays, monkeypatch):
    """Four places with different contents: given, variable, cache and Keras's download."""
    found = {}
    for number, place in enumerate(("given", "variable", "cache")):
        folder = tmp_path / place / ("datasets" if place == "cache" else "")
        folder.mkdir(parents=True)
        arrays["x_train"][0] = number
        np.savez(folder / "mnist.npz", **arrays)
        found[place] = folder / "mnist.npz"
    arrays["x_train"][0] = 3
    train, test = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    set_keras(monkeypatch, lambda: (train, test))
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tmp_path / "variable"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    return found


def set_keras(monkeypatch, load_data):
    """Put a stand-in for Keras where ``import keras`` finds it: the real one takes seconds."""
    named = dict.fromkeys(NAMED, SimpleNamespace(load_data=load_data))
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(datasets=SimpleNamespace(**named)))


def first_pixel(data_dir: Path | None = None) -> int:
    return int(load_dataset("mnist", data_dir).x_train[0, 0, 0, 0])


def test_the_first_place_that_has_it_is_taken(places, monkeypatch):
    given = places["given"].parent
    assert find_named("mnist", given) == places["given"]
    assert first_pixel(given) == 0
    assert first_pixel() == 1
    places["variable"].unlink()
    assert first_pixel() == 2
    places["cache"].unlink()
    assert find_named("mnist") is None
    assert first_pixel() == 3
    assert load_dataset("mnist").source == "MNIST, downloaded by Keras"


def test_without_variables_keras_cache_is_in_the_home_folder(places, monkeypatch, tmp_path):
    monkeypatch.delenv("HARNESS_DATA_DIR")
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "cache").rename(tmp_path / ".keras")
    assert first_pixel() == 2


def test_it_is_called_mnist(places):
    dataset = load_dataset("mnist")
    assert dataset.name == "mnist"
    assert "mnist.npz" in dataset.source


def test_a_given_folder_without_it_is_an_error_and_nothing_else_is_tried(places, tmp_path):
    with pytest.raises(InputError, match=r"^\S+: no mnist\.npz there; needed with --data-dir: "):
        load_dataset("mnist", tmp_path)


def test_a_damaged_file_is_named_and_not_passed_over(places):
    places["variable"].write_bytes(b"")
    with pytest.raises(InputError, match=rf"^{places['variable']}: damaged"):
        load_dataset("mnist")


def test_a_failed_download_says_how_to_get_it(places, monkeypatch, capsys):
    def fail():
        print("Downloading data")
        raise Exception("URL fetch failure on https://example.org: None\nmore")

    set_keras(monkeypatch, fail)
    places["variable"].unlink()
    places["cache"].unlink()
    with pytest.raises(InputError) as caught:
        load_dataset("mnist")
    line = str(caught.value)
    for part in ("variable)", "datasets", "URL fetch failure", "--data-dir DIR with mnist.npz"):
        assert part in line
    assert "\n" not in line
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_read_from_a_file_that_is_called_after_it(tmp_path, arrays, name):
    for key in ("x_train", "x_test"):
        arrays[key] = np.repeat(arrays[key][:, :, :, None], 3, axis=3)
    np.savez(tmp_path / f"{name}.npz", **arrays)
    dataset = load_dataset(name, tmp_path)
    assert (dataset.name, dataset.image_shape) == (name, (28, 28, 3))
    assert check_available(name, tmp_path) is None


def test_what_keras_gives_is_checked(monkeypatch, tmp_path, arrays):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    wide = np.zeros((30, 28, 30), np.uint8)
    train, test = (wide, arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    set_keras(monkeypatch, lambda: (train, test))
    with pytest.raises(InputError, match=r"^cifar10: x_train holds images of 28x30x1"):
        load_dataset("cifar10")


def test_a_dry_run_hears_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("HARNESS_DATA_DIR", raising=False)
    assert check_available("stacked_mnist") == "mnist: not on this machine; Keras will download it"
    (tmp_path / "datasets" / "fashion-mnist").mkdir(parents=True)
    assert check_available("fashion_mnist") is None
    with pytest.raises(InputError, match=r"^kmnist: no kmnist\.npz in .*Keras does not have it"):
        check_available("kmnist")
    with pytest.raises(InputError, match=r"none\.npz: no such file"):
        check_available(str(tmp_path / "none.npz"))
    with pytest.raises(InputError, match=r"^unknown dataset 'mnits'.*; did you mean mnist\?$"):
        check_available("mnits")


@pytest.mark.slow
def test_keras_itself_fails_in_the_way_that_is_expected(tmp_path):
    # A closed port of this machine stands in for the network.
    dead = {f"{kind}_proxy": "http://127.0.0.1:9" for kind in ("http", "https")}
    kept = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    kept.pop("HARNESS_DATA_DIR", None)
    code = "from harness.data.load import check_available, load_dataset; load_dataset('mnist')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | dead | {"KERAS_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("harness.core.errors.InputError: mnist: no mnist.npz in")
    assert "HARNESS_DATA_DIR (not set)" in line
    assert "Keras's download failed (URL fetch failure" in line


@pytest.mark.mnist
def test_the_real_file(mnist_dir):
    dataset = load_dataset("mnist", mnist_dir)
    assert dataset.x_train.shape == (60_000, 28, 28, 1)
    assert dataset.x_test.shape == (10_000, 28, 28, 1)
    # Published: LeCun's class counts, and the mean and deviation that everyone normalises with.
    assert np.bincount(dataset.y_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.bincount(dataset.y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    assert dataset.x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert dataset.x_train.std() / 255 == pytest.approx(0.3081, abs=5e-5)
