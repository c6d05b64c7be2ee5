"""Registries read their folder: a file is an entry, and nothing else is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.core.errors import InputError
from harness.core.registry import (
    ARCHITECTURES,
    LOSSES,
    METRICS,
    PENALTIES,
    PLOTS,
    PROCEDURES,
    Registry,
)

ALL = (ARCHITECTURES, LOSSES, METRICS, PENALTIES, PLOTS, PROCEDURES)


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    folder = tmp_path / "colours"
    folder.mkdir()
    for name, text in {
        "__init__.py": "",
        "_shared.py": "",
        "red.py": "red = 'ff0000'",
        "blue.py": "blue = '0000ff'",
        "not-a-name.py": "",
        ".#red.py": "",
        "green.txt": "",
    }.items():
        (folder / name).write_text(text)
    monkeypatch.setattr("harness.core.registry._ROOT", tmp_path)
    monkeypatch.setattr(harness, "__path__", [*harness.__path__, str(tmp_path)])
    yield Registry("harness.colours", "colour")
    for name in [name for name in sys.modules if name.startswith("harness.colours")]:
        del sys.modules[name]


def test_a_file_is_an_entry_under_its_own_name(colours: Registry):
    assert colours.names() == ["blue", "red"]
    assert colours.get("red") == "ff0000"


def test_names_are_sorted_whatever_the_folder_says(colours: Registry, tmp_path: Path):
    for letter in "qwertyuiop":
        (tmp_path / "colours" / f"{letter}.py").write_text("")
    assert colours.names() == sorted(["blue", "red", *"qwertyuiop"])


def test_a_new_file_is_found_without_anything_else(colours: Registry, tmp_path: Path):
    (tmp_path / "colours" / "white.py").write_text("white = 'ffffff'")
    assert colours.get("white") == "ffffff"


@pytest.mark.parametrize("name", ["green", "_shared", "", "../red", None, 3, ["red"]])
def test_an_unknown_name_lists_the_known_ones(colours: Registry, name: object):
    with pytest.raises(InputError) as caught:
        colours.get(name)
    assert str(caught.value) == f"unknown colour {name!r}; known: blue, red"


@pytest.mark.parametrize("registry", ALL, ids=lambda registry: registry.kind)
def test_the_folders_of_the_project_are_not_empty(registry: Registry):
    assert registry.names()
