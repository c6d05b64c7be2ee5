"""The environment of a run: versions, processor, threads, memory, devices, commit.

User names, host names and environment variables are not recorded.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypedDict

from harness.core.cores import usable_cores

PACKAGES = (
    "gan-harness",
    "tensorflow",
    "keras",
    "mlflow",
    "optuna",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "matplotlib",
    "seaborn",
)
"""Distributions whose versions are recorded."""

CONDITIONS = ("cpu", "instruction_sets", "threads", "devices")
"""The parts of an environment on which the last digits of sums depend, and so every score."""

_INSTRUCTION_SETS = re.compile(r"avx\w*|fma|amx\w*|asimd\w*|sve\w*|bf16|i8mm")
"""Flags of /proc/cpuinfo by which TensorFlow's and BLAS's kernels are chosen (x86-64 and ARM)."""

_CPU_INFO = Path("/proc/cpuinfo")
_PROJECT = Path(__file__).resolve().parents[2]


class GitState(TypedDict):
    """The project's commit, and whether the code differs from that commit."""

    commit: str
    dirty: bool


def describe_environment(devices: Sequence[str], threads: Mapping[str, int]) -> dict[str, Any]:
    """The environment of this process, plain types, ready for JSON.

    ``devices`` are the names of the TensorFlow devices, ``threads`` the numbers of threads of each
    kind, given by the caller. ``memory_bytes`` is the machine's physical memory, ``usable_cores``
    how many of ``cores`` this process may use, ``instruction_sets`` the vector instructions of the
    processor. A figure that the platform does not report is None, and so is the version of a
    missing package.
    """
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _cpu_model(),
        "instruction_sets": _instruction_sets(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "memory_bytes": _memory_bytes(),
        "devices": list(devices),
        "threads": dict(threads),
        "packages": {name: _version(name) for name in PACKAGES},
        "git": git_state(),
    }


def conditions(environment: Mapping[str, object]) -> dict[str, object]:
    """The CONDITIONS of ``environment``; None for one that it does not hold."""
    return {name: environment.get(name) for name in CONDITIONS}


def git_state() -> GitState | None:
    """The project's commit, and whether tracked or new files of its code differ from it.

    None if the project is not the top of a git repository, has no commit, or git is missing: an
    installed package must not report the commit of a repository that happens to contain it.
    """
    top = _git("rev-parse", "--show-toplevel")
    commit = _git("rev-parse", "--verify", "HEAD")
    if not top or not commit or Path(top).resolve() != _PROJECT:
        return None
    return {
        "commit": commit,
        "dirty": bool(_git("status", "--porcelain", "--", "harness", "pyproject.toml")),
    }


def _git(*arguments: str) -> str | None:
    """The output of git in the project's folder; None if git fails."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(_PROJECT), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _cpu_model() -> str | None:
    return _cpu_entry("model name") or platform.processor() or None


def _instruction_sets() -> list[str] | None:
    flags = _cpu_entry("flags") or _cpu_entry("Features")  # on x86-64, on ARM
    if flags is None:
        return None
    return sorted(flag for flag in flags.split() if _INSTRUCTION_SETS.fullmatch(flag))


def _cpu_entry(name: str) -> str | None:
    """What /proc/cpuinfo says of ``name`` for the first core; None where it says nothing."""
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
