"""A folder of images as a dataset: classes, splits, sizes, what is left alone, what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.core.errors import InputError
from harness.data.images import folder as folder_module
from harness.data.images.folder import MIN_IMAGES, load_folder
from harness.data.load import load_dataset

SIDE = 20


def write(folder: Path, counts: dict[str, int], mode: str = "L", side: int = SIDE) -> Path:
    """``counts`` images in each folder, each of one value of its own."""
    value = 0
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            colour = value if mode == "L" else (value, 255 - value, 0)
            Image.new(mode, (side, side), colour).save(folder / name / f"{number:03}.png")
            value = (value + 1) % 256
    return folder


def values(images: np.ndarray) -> set[int]:
    """What the images show, one value each."""
    assert (images == images[:, :1, :1]).all()
    return set(images[:, 0, 0, 0].tolist())


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return write(tmp_path / "shapes", {"circle": 40, "square": 30})


def test_subfolders_are_classes_and_a_share_of_each_is_the_test_split(two):
    dataset = load_folder(two)
    assert (dataset.name, dataset.num_classes, dataset.class_fault) == ("shapes", 2, "")
    assert dataset.image_shape == (SIDE, SIDE, 1)
    assert np.bincount(dataset.y_train).tolist() == [28, 21]  # 70 % of 40 and of 30
    assert np.bincount(dataset.y_test).tolist() == [12, 9]
    assert values(dataset.x_train) | values(dataset.x_test) == set(range(70))
    assert values(dataset.x_train[dataset.y_train == 0]) < set(range(40))


def test_the_split_is_the_same_every_time(two):
    assert load_folder(two).fingerprint == load_dataset(str(two)).fingerprint


def test_given_splits_are_kept(tmp_path):
    counts = {"train/a": 30, "train/b": 20, "test/a": 5, "test/b": 7}
    dataset = load_folder(write(tmp_path, counts))
    assert values(dataset.x_train) == set(range(50))
    assert values(dataset.x_test) == set(range(50, 62))
    assert np.bincount(dataset.y_test).tolist() == [5, 7]


def test_images_of_the_folder_itself_are_one_class(tmp_path):
    dataset = load_folder(write(tmp_path, {"": 60}))
    assert dataset.num_classes == 1
    assert dataset.class_fault == "all images are of one class"
    assert len(dataset.x_train) == 42


def test_a_class_of_few_images_is_no_class_to_count(tmp_path):
    dataset = load_folder(write(tmp_path, {"a": 60, "b": 1}))
    assert dataset.class_fault == "class 1 has 1 images, fewer than 10"


def test_colour_has_three_channels(tmp_path):
    dataset = load_folder(write(tmp_path, {"": 60}, "RGB"))
    assert dataset.image_shape == (SIDE, SIDE, 3)
    assert (dataset.x_train[..., 0] + dataset.x_train[..., 1] == 255).all()


def test_images_are_cropped_about_the_centre(tmp_path):
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    for number in range(MIN_IMAGES):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    dataset = load_folder(tmp_path, side=20)
    assert (dataset.x_train == 255).all()
    assert load_folder(tmp_path).image_shape == (32, 32, 1)  # no common square: the default


@pytest.mark.parametrize(("made", "side"), [(28, 28), (64, 64), (30, 32), (12, 32)])
def test_a_common_size_that_models_take_is_kept(tmp_path, made, side):
    assert load_folder(write(tmp_path, {"": 60}, side=made)).image_shape == (side, side, 1)


def test_other_files_and_hidden_ones_are_left_alone(two):
    first = load_folder(two).fingerprint
    (two / "notes.txt").write_text("?")
    (two / "circle" / ".hidden.png").write_bytes(b"?")
    (two / ".cache").mkdir()
    (two / ".cache" / "a.png").write_bytes(b"?")
    (two / "circle" / "loop").symlink_to(two, target_is_directory=True)
    assert load_folder(two).fingerprint == first


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_folder(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_image_that_pillow_would_read_but_nobody_may_use_is_named(two):
    (two / "circle" / "a.gif").write_bytes(b"GIF89a")
    assert "circle/a.gif: images of a dataset are .png, .jpg, .jpeg, .webp" in refusal(two)


def test_a_broken_image_is_named(two):
    (two / "square" / "005.png").write_bytes(b"broken")
    assert "square/005.png: no image" in refusal(two)


def test_folders_that_are_no_datasets_are_refused(tmp_path):
    assert "0 images" in refusal(tmp_path)
    write(tmp_path, {"a": MIN_IMAGES - 1})
    assert f"{MIN_IMAGES - 1} images" in refusal(tmp_path)
    write(tmp_path, {"": 10})
    assert "images beside the folders of classes: 000.png and a/" in refusal(tmp_path)
    both = write(tmp_path / "splits", {"train/a": 50, "train/b": 50, "test/a": 5})
    assert "splits/test: no images of the class 'b'" in refusal(both)


def test_more_than_fits_is_refused_before_a_pixel_is_read(two, monkeypatch):
    monkeypatch.setattr(folder_module, "MAX_BYTES", 70 * SIDE * SIDE * 3 - 1)
    assert "70 images of 20x20 take" in refusal(two)


def test_what_was_decoded_is_kept_under_the_content(two, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = load_folder(two, cache)
    monkeypatch.setattr(folder_module, "decode", lambda path: pytest.fail("decoded again"))
    assert load_folder(two, cache).fingerprint == first.fingerprint
    (file,) = (cache / "images").glob("*.npz")
    monkeypatch.undo()
    Image.new("L", (SIDE, SIDE), 255).save(two / "circle" / "000.png")
    assert load_folder(two, cache).fingerprint != first.fingerprint
    assert len(list((cache / "images").glob("*.npz"))) == 2
    file.write_bytes(b"damaged")
    (two / "circle" / "000.png").unlink()
    Image.new("L", (SIDE, SIDE), 0).save(two / "circle" / "000.png")
    lines: list[str] = []
    assert load_folder(two, cache, on_progress=lines.append).fingerprint == first.fingerprint
    assert "decoded again" in lines[0]
