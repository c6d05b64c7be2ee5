"""What the Makefile installs, and when: with a Python that records what it is asked for."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

PYTHON = """#!/bin/bash
echo "$@" >> "{log}"
[ -z "$PYTHONDONTWRITEBYTECODE" ] || echo "writes no bytecode" >> "{log}"
[ "$2" = pip ] || exit 0
echo "  Installing build dependencies: started"
echo "Collecting numpy>=2.0"
echo "Installing collected packages: numpy"
exit {status}
"""
NEW_PYTHON = """#!/bin/bash
[ "$2" != venv ] || {{ mkdir -p {environment}/bin && cp "$0" {environment}/bin/python; exit; }}
[ "$1" != -c ] || exit 0
echo "$@" >> {environment}/../log
case "$*" in *--upgrade*) exit {status} ;; esac
"""
"""A Python whose environments hold itself; to upgrade their pip ends with ``status``."""
TESTS = ".[test,postgres,ray]"


class Checkout:
    """A folder with the Makefile and an environment whose commands do nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._log = folder, folder / "log"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(REPOSITORY / name, folder)
        (folder / ".venv" / "bin").mkdir(parents=True)
        self.let_pip_end_with(0)
        for name in ("ruff", "lint-imports", "mypy"):
            self._write(name, "#!/bin/sh\n")

    def let_pip_end_with(self, status: int) -> None:
        self._write("python", PYTHON.format(log=self._log, status=status))

    def make(self, target: str, *variables: str) -> subprocess.CompletedProcess[str]:
        """``make target``; the environment's own variables of make are left out."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        command = ["make", "--no-print-directory", target, *variables]
        return subprocess.run(command, cwd=self._folder, env=own, capture_output=True, text=True)

    def installed(self, target: str) -> list[str]:
        """What pip was asked to install by a ``make target`` that went well."""
        self._log.unlink(missing_ok=True)
        done = self.make(target)
        assert done.returncode == 0, done.stderr
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [line.split()[-1] for line in lines if " pip install " in line]

    def log(self) -> list[str]:
        """What the environment's Python was asked for, and whether it would keep no bytecode."""
        return self._log.read_text().splitlines()

    def change(self, name: str) -> None:
        """Let ``name`` be newer than all that was made so far."""
        for path in self._folder.rglob("*"):
            made = path.stat().st_mtime - 100
            os.utime(path, (made, made), follow_symlinks=False)
        os.utime(self._folder / name)

    def _write(self, name: str, text: str) -> None:
        path = self._folder / ".venv" / "bin" / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if shutil.which("make") is None:
        pytest.skip("no make on this machine")
    return Checkout(tmp_path)


def test_a_study_installs_what_it_needs_and_the_tests_the_rest(checkout: Checkout):
    assert checkout.installed("study") == ["."]
    assert checkout.installed("study") == checkout.installed("doctor") == []
    assert checkout.installed("lint") == [TESTS]
    for target in ("typecheck", "test", "bench", "study", "ui"):
        assert checkout.installed(target) == [], target


def test_after_the_tests_a_study_installs_nothing(checkout: Checkout):
    assert checkout.installed("test") == [TESTS]
    assert checkout.installed("study") == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_what_is_required_anew_is_installed_anew(checkout: Checkout, name: str):
    assert checkout.installed("test") == [TESTS]
    checkout.change(name)
    assert checkout.installed("study") == ["."]
    assert checkout.installed("test") == [TESTS]
    assert checkout.installed("test") == []


def test_it_says_that_it_installs_and_how_long_that_takes(checkout: Checkout):
    lines = checkout.make("study").stdout.splitlines()
    assert lines[0].startswith("installing what a study needs into .venv, ")
    assert "minutes" in lines[0]
    assert lines.count("  unpacking all packages, the longest step") == 1
    assert "installing" not in checkout.make("study").stdout


def test_an_installation_that_failed_is_tried_again(checkout: Checkout):
    checkout.let_pip_end_with(1)
    assert checkout.make("study").returncode != 0
    checkout.let_pip_end_with(0)
    assert checkout.installed("study") == ["."]


@pytest.mark.parametrize("status", [0, 1])
def test_a_new_environment_gets_the_pinned_pip_if_that_can_be_had(
    checkout: Checkout, tmp_path: Path, status: int
):
    new = tmp_path / "python"
    new.write_text(NEW_PYTHON.format(status=status, environment=tmp_path / ".venv"))
    new.chmod(0o755)
    shutil.rmtree(tmp_path / ".venv")
    done = checkout.make("doctor", f"PYTHON={new}")
    assert done.returncode == 0, done.stderr
    pip, install, doctor = checkout.log()
    assert pip.split()[:3] == ["-m", "pip", "install"]
    assert pip.endswith("--constraint constraints.txt --upgrade pip")
    assert install.endswith("--editable .")
    assert doctor == "-m harness.doctor"
    assert ("pip could not be upgraded" in done.stdout) == (status == 1)


def test_what_is_imported_stays_compiled_whatever_the_environment_says(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for target in ("study", "test"):
        assert checkout.make(target).returncode == 0
    assert any("harness.study" in line for line in checkout.log())
    assert "writes no bytecode" not in checkout.log()
