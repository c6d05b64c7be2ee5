"""Files of a folder are replaced together, and nothing else is left in it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from harness.core.replace_files import replace_files

NAMES = ("runs.csv", "study.json", "index.html")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text("old")
    return tmp_path


def texts(folder: Path, last: str = "new") -> dict[Path, str]:
    return {folder / name: "new" if name != NAMES[-1] else last for name in NAMES}


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_all_are_new_and_folders_are_made(folder: Path) -> None:
    replace_files({**texts(folder), folder / "a" / "b.txt": "größe\n"})
    assert (folder / "a" / "b.txt").read_bytes() == "größe\n".encode()
    assert [(folder / name).read_text() for name in NAMES] == ["new"] * 3
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_full_disk_and_ctrl_c_change_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, call: int
) -> None:
    opened, calls = Path.open, []

    def open_until(path: Path, *arguments: object, **named: object):
        calls.append(path)
        file = opened(path, *arguments, **named)
        if len(calls) == call:
            file.close()
            raise error
        return file

    monkeypatch.setattr(Path, "open", open_until)
    with pytest.raises(type(error)):
        replace_files(texts(folder))
    monkeypatch.undo()
    assert len(calls) == call
    assert contents(folder) == dict.fromkeys(NAMES, "old")


def test_no_folder_is_left_that_was_made_for_nothing(folder: Path) -> None:
    (folder / "there").mkdir()
    there = {folder / "there" / "more" / "a.txt": "new", folder / "there" / "b.txt": "new"}
    with pytest.raises(UnicodeEncodeError):
        replace_files({**there, folder / "here" / "c.txt": "\ud800"})
    assert sorted(path.name for path in folder.rglob("*")) == sorted([*NAMES, "there"])


def test_text_that_cannot_be_encoded_changes_nothing(folder: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        replace_files(texts(folder, last="\ud800"))
    assert contents(folder) == dict.fromkeys(NAMES, "old")


def test_a_folder_in_the_place_of_a_file_changes_nothing(folder: Path) -> None:
    (folder / NAMES[-1]).unlink()
    (folder / NAMES[-1]).mkdir()
    with pytest.raises(IsADirectoryError):
        replace_files(texts(folder))
    assert [(folder / name).read_text() for name in NAMES[:2]] == ["old", "old"]
    assert len(list(folder.iterdir())) == 3


def test_a_link_to_a_folder_is_that_folder_and_any_other_link_is_none(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    replace_files(texts(folder / "link"))
    assert [(folder / name).read_text() for name in NAMES] == ["new"] * 3
    for name, target in (("to_nothing", "nothing"), ("to_file", NAMES[0])):
        (folder / name).symlink_to(target)
        with pytest.raises((FileExistsError, NotADirectoryError)):
            replace_files(texts(folder / name, last="newer"))
    assert not (folder / "nothing").exists()
    assert (folder / NAMES[0]).read_text() == "new"


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(folder: Path) -> None:
    target = folder / "target"
    target.write_text("mine")
    (folder / NAMES[0]).unlink()
    (folder / NAMES[0]).symlink_to(target)
    replace_files(texts(folder))
    assert target.read_text() == "mine"
    assert not (folder / NAMES[0]).is_symlink()
