"""What is recorded of the machine, and what is not."""

from __future__ import annotations

import getpass
import json
import os
import platform
import socket
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from harness.tracking import environment


def test_says_what_a_reader_needs() -> None:
    found = environment.describe_environment(["GPU:0 of some kind"], {"intra_op": 2})
    assert found["threads"] == {"intra_op": 2}
    assert found["python"] == platform.python_version()
    assert found["devices"] == ["GPU:0 of some kind"]
    assert found["packages"]["mlflow"] == metadata.version("mlflow")
    assert 1 <= found["usable_cores"] <= found["cores"]
    assert found["memory_bytes"] > 100 * 2**20  # less would not run TensorFlow
    assert json.loads(json.dumps(found)) == found


def test_names_no_person_no_machine_no_variable(monkeypatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "hunter2-hunter2")
    text = json.dumps(environment.describe_environment([], {}))
    assert "hunter2" not in text
    assert str(Path.home()) not in text
    assert socket.gethostname() not in text
    assert f'"{getpass.getuser()}"' not in text


def test_a_package_that_is_missing_has_no_version(monkeypatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("no-such-distribution",))
    found = environment.describe_environment([], {})
    assert found["packages"] == {"no-such-distribution": None}


@pytest.mark.parametrize(
    ("cpu_info", "cpu", "instruction_sets"),
    [
        (
            "processor\t: 0\nmodel name\t: Some Xeon\nflags\t\t: fpu sse2 fma avx avx2 avx512f "
            "amx_tile lahf_lm\nmodel name\t: Another\n",
            "Some Xeon",
            ["amx_tile", "avx", "avx2", "avx512f", "fma"],
        ),
        ("Features\t: fp asimd crc32 asimddp sve\n", None, ["asimd", "asimddp", "sve"]),
        (None, None, None),
    ],
)
def test_the_processor_is_named_with_its_vector_instructions(
    cpu_info: str | None, cpu: str | None, instruction_sets: list[str] | None, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "cpuinfo"
    if cpu_info is not None:
        path.write_text(cpu_info)
    monkeypatch.setattr(environment, "_CPU_INFO", path)
    monkeypatch.setattr(platform, "processor", lambda: "")
    found = environment.describe_environment(["CPU"], {"blas": 1})
    assert (found["cpu"], found["instruction_sets"]) == (cpu, instruction_sets)
    assert environment.conditions(found) == {
        "cpu": cpu,
        "instruction_sets": instruction_sets,
        "threads": {"blas": 1},
        "devices": ["CPU"],
    }


def _git(folder: Path, *arguments: str) -> str:
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        identity |= {f"GIT_{role}_NAME": "a", f"GIT_{role}_EMAIL": "a@example.org"}
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **identity},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_commit_and_whether_the_code_differs(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(environment, "_PROJECT", tmp_path)
    assert environment.git_state() is None
    _git(tmp_path, "init", "-q")
    assert environment.git_state() is None  # no commit yet
    (tmp_path / "harness").mkdir()
    (tmp_path / "harness/code.py").write_text("a = 1\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "first")
    clean = {"commit": _git(tmp_path, "rev-parse", "HEAD"), "dirty": False}
    assert environment.git_state() == clean
    (tmp_path / "report.html").write_text("written by a study")
    assert environment.git_state() == clean
    (tmp_path / "harness/new.py").write_text("b = 2\n")
    assert environment.git_state() == {**clean, "dirty": True}


def test_an_installed_package_does_not_report_the_repository_around_it(
    tmp_path: Path, monkeypatch
) -> None:
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "commit", "-qm", "first", "--allow-empty")
    installed = tmp_path / "site-packages"
    installed.mkdir()
    monkeypatch.setattr(environment, "_PROJECT", installed)
    assert environment.git_state() is None
