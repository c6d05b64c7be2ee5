"""House rules that are cheap to check and easy to break without noticing."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.repository import REPOSITORY

DOORS = sorted(
    path.stem for path in (REPOSITORY / "harness").glob("*.py") if not path.stem.startswith("__")
)
MODULES = sorted((REPOSITORY / "harness").rglob("*.py"))
HEAVY = {
    "keras",
    "matplotlib",
    "mlflow",
    "numpy",
    "optuna",
    "pandas",
    "ray",
    "sklearn",
    "tensorflow",
}

# Written with brackets, so that this file does not hold what it looks for.
ELSEWHERE = {
    "a package registry": r"[p]ypi\.|[p]ythonhosted|--(?:extra-)?[i]ndex-url|--[f]ind-links",
    "a path of one machine": r"(?<![\w.~-])/(?:[h]ome|[r]oot|[o]pt|[w]ork|[U]sers)/\w",
}
# Private names of earlier versions, each for something that the field has a word for.
FORMER_WORDS = r"(?i)sitting|\bturns\b|\bslots\b|crew|liveness|reaper"
UNSAFE = r"allow_[p]ickle=True|^\s*(?:import|from) (?:[p]ickle|[j]oblib|[d]ill|[c]loudpickle)\b"


def committed_files() -> list[Path]:
    """What git holds or would hold; pytest skips if this is no checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


def texts() -> Iterator[tuple[Path, str]]:
    for path in committed_files():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        yield path, re.sub(r"base64,[\w+/=]+", "base64,", text)  # images inside pages


@pytest.mark.parametrize("pattern", ELSEWHERE.values(), ids=ELSEWHERE)
def test_no_text_names_places_outside_the_project(pattern: str):
    found = [
        f"{path.relative_to(REPOSITORY)}: {match.group()}"
        for path, text in texts()
        for match in re.finditer(pattern, text)
    ]
    assert not found


def test_no_code_reads_or_writes_pickles():
    found = [path.name for path in MODULES if re.search(UNSAFE, path.read_text(), re.MULTILINE)]
    assert not found


def test_the_reading_half_draws_no_samples():
    """import-linter cannot name a part of a library; of Optuna, reports may use the rest."""
    reading = [
        path for path in MODULES if path.is_relative_to(REPOSITORY / "harness" / "reporting")
    ]
    assert reading
    assert [path.name for path in reading if "samplers" in path.read_text()] == []


@pytest.mark.parametrize("door", DOORS)
def test_help_is_there_at_once(door: str):
    """Processor time: what a person waits on an idle machine, and what load leaves alone."""
    command = [sys.executable, "-m", f"harness.{door}", "--help"]
    seconds = []
    for _ in range(3):
        before = os.times()
        answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        after = os.times()
        seconds.append(sum(after[2:4]) - sum(before[2:4]))  # user and system time of children
    assert f"python -m harness.{door}" in answer.stdout
    assert min(seconds) < 0.5


@pytest.mark.parametrize("door", DOORS)
def test_help_imports_nothing_heavy(door: str):
    """Tells which import it was, on machines of any speed."""
    command = [sys.executable, "-X", "importtime", "-m", f"harness.{door}", "--help"]
    answer = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & HEAVY


def test_doors_are_short():
    lines = {
        door: len((REPOSITORY / "harness" / f"{door}.py").read_text().splitlines())
        for door in DOORS
    }
    assert {door: n for door, n in lines.items() if n >= 150} == {}


def test_files_and_functions_keep_to_their_size():
    long = []
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > 300:
            long.append(str(path.relative_to(REPOSITORY)))
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef):
                continue
            # Without the signature, which is the list of options where the function is a command.
            if node.end_lineno - node.body[0].lineno >= 50:
                long.append(f"{path.relative_to(REPOSITORY)}: {node.name}")
    assert not long


def test_folders_keep_to_their_size():
    """Twelve modules at most, but for two registries, where one more is no burden."""
    counts = Counter(path.parent.relative_to(REPOSITORY).as_posix() for path in MODULES)
    assert counts.pop("harness/evaluation/metrics") + counts.pop("harness/reporting/plots") > 24
    assert len(counts) > 12
    assert {folder: count for folder, count in counts.items() if count > 12} == {}


def test_the_code_says_one_word_for_one_thing():
    pages = sorted((REPOSITORY / "harness").rglob("*.html"))
    assert pages
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()}"
        for path in [*MODULES, *pages]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(FORMER_WORDS, line)
    ]
    assert not found


def test_every_dependency_is_pinned_inside_its_range():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(one for extra in extras for one in extra)]
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    for requirement in map(Requirement, declared):
        versions = [
            next(iter(pin.specifier)).version
            for pin in pins
            if pin.name.lower() == requirement.name.lower()
        ]
        assert versions, f"{requirement.name} has no pin"
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement} excludes {version}"


def test_pages_name_commands_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    pages = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        quoted = re.findall(r"(?:`|^    )make ((?:[a-z-]+ ?)+)", text, re.MULTILINE)
        assert {target for words in quoted for target in words.split()} <= targets, page.name
        for module in re.findall(r"python -m (harness(?:\.\w+)+)", text):
            place = REPOSITORY / module.replace(".", "/")
            path = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
            assert path.exists(), f"{page.name}: {module}"
            assert path.stem in DOORS or "__main__" in path.read_text(), f"{page.name}: {module}"


def test_pages_name_tests_that_exist():
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")]
    named = {
        (page.name, path.rstrip("."))
        for page in pages
        for path in re.findall(r"(?<![\w/])tests/[\w./-]*", page.read_text(encoding="utf-8"))
    }
    assert named
    assert [one for one in sorted(named) if not (REPOSITORY / one[1]).exists()] == []


def test_the_architecture_names_files_that_exist_and_a_short_way_of_a_trial():
    text = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    package = [path.relative_to(REPOSITORY).as_posix() for path in MODULES]
    named = re.findall(r"`(\w[\w/]*\.py)`", text)
    assert len(named) > 40
    missing = [name for name in named if not any(f"/{one}".endswith(f"/{name}") for one in package)]
    assert missing == []
    way = re.findall(r"^(\d+)\. `(harness/[\w/]+\.py)`", text, re.MULTILINE)
    assert [int(number) for number, _ in way] == list(range(1, len(way) + 1))
    assert 15 < len(way) <= 25
