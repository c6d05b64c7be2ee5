"""What is said about an installation: versions against declared ranges, the folder for runs."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

import pytest

from harness.diagnostics.installation import Finding, check_folder, check_packages

NUMPY = metadata.version("numpy")


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that installs the metadata of a distribution with the given headers."""

    def install(*headers: str) -> list[Finding]:
        folder = tmp_path / "declared-1.0.dist-info"
        folder.mkdir()
        text = "\n".join(["Metadata-Version: 2.1", "Name: declared", "Version: 1.0", *headers])
        (folder / "METADATA").write_text(f"{text}\n")
        monkeypatch.syspath_prepend(tmp_path)
        return list(check_packages("declared"))

    return install


def test_versions_inside_their_ranges(declare):
    found = declare("Requires-Python: >=3.11", "Requires-Dist: numpy>=2.0", "Requires-Dist: scipy")
    assert found[:2] == [
        Finding("python", True, platform.python_version()),
        Finding("numpy", True, NUMPY),
    ]
    assert found[2].works


def test_versions_outside_their_ranges_say_what_is_needed(declare):
    found = declare(
        "Requires-Python: >=4",
        "Requires-Dist: numpy<1.0,>=0.5",
        "Requires-Dist: no-such-thing>=1",
        "Requires-Dist: no-such-thing-either",
    )
    assert found == [
        Finding("python", False, f"{platform.python_version()}; needs >=4"),
        Finding("numpy", False, f"{NUMPY}; needs <1.0,>=0.5"),
        Finding("no-such-thing", False, "not installed; needs >=1"),
        Finding("no-such-thing-either", False, "not installed; needs any version"),
    ]


def test_extras_and_other_platforms_are_not_required(declare):
    found = declare(
        'Requires-Dist: no-such-thing; extra == "test"',
        'Requires-Dist: no-such-thing; python_version < "3"',
    )
    assert [finding.part for finding in found] == ["python"]


def test_a_project_that_is_not_installed_is_not_a_failure():
    (finding,) = check_packages("no-such-distribution")
    assert (finding.part, finding.works) == ("no-such-distribution", None)


def test_the_folder_for_runs_may_be_made_later(tmp_path: Path):
    finding = check_folder(tmp_path / "a" / "b")
    assert finding.detail.startswith(f"{tmp_path}: ")
    assert finding.works is True


@pytest.mark.parametrize(("free", "works"), [(999_999_999, False), (1_000_000_000, True)])
def test_a_full_disk_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, works: bool
):
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    assert check_folder(tmp_path) == Finding("folder for runs", works, f"{tmp_path}: 1.0 GB free")


def test_a_file_in_the_way_is_a_failure(tmp_path: Path):
    (tmp_path / "mlruns").write_text("")
    finding = check_folder(tmp_path / "mlruns" / "deeper")
    assert (finding.works, finding.detail) == (False, f"{tmp_path / 'mlruns'}: cannot be written")
