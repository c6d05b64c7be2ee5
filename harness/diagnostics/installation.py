"""Checks of the installation: package versions, disk space, a writable folder."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

DISTRIBUTION = "gan-harness"
NEEDED_BYTES = 1_000_000_000  # the stores, checkpoints and pages of a few studies


@dataclass(frozen=True)
class Finding:
    """The result of checking one ``part``; ``detail`` is what was found.

    works: True or False; None if a study on the embedded digits runs without the part.
    """

    part: str
    works: bool | None
    detail: str


def check_packages(distribution: str = DISTRIBUTION) -> Iterator[Finding]:
    """Compare Python and every required package with the ranges that ``distribution`` declares."""
    try:
        project = metadata.metadata(distribution)
    except metadata.PackageNotFoundError:
        yield Finding(distribution, None, "not installed, so its version ranges are unknown here")
        return
    # A missing field is None, but a KeyError once importlib_metadata has been imported.
    python = ("Requires-Python" in project and project["Requires-Python"]) or ""
    yield _check_version("python", platform.python_version(), python)
    for requirement in map(Requirement, metadata.requires(distribution) or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            version = _installed_version(requirement.name)
            yield _check_version(requirement.name, version, str(requirement.specifier))


def check_folder(folder: Path) -> Finding:
    """Whether ``folder``, or else its nearest existing parent, is writable and has 1 GB free."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    state = f"{free / 1e9:,.1f} GB free" if writable else "cannot be written"
    return Finding("folder for runs", writable and free >= NEEDED_BYTES, f"{existing}: {state}")


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _check_version(name: str, version: str | None, allowed: str) -> Finding:
    if version is None:
        return Finding(name, False, f"not installed; needs {allowed or 'any version'}")
    if SpecifierSet(allowed).contains(version, prereleases=True):
        return Finding(name, True, version)
    return Finding(name, False, f"{version}; needs {allowed}")
