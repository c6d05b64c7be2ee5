"""The console command: every command of the project by its name, and what there is to run."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest

from harness.__main__ import COMMANDS, main
from tests.contracts.test_project import DOORS


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *given: str):
    monkeypatch.setattr(sys, "argv", ["gan-harness", *given])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code, capsys.readouterr()


def test_it_has_every_command(monkeypatch, capsys):
    assert sorted(COMMANDS) == DOORS
    for given in ((), ("--help",)):
        code, said = answer(monkeypatch, capsys, *given)
        assert code == 0
        assert all(f"  {name} " in said.out for name in COMMANDS)


def test_a_command_gets_the_other_arguments(monkeypatch, capsys):
    code, said = answer(monkeypatch, capsys, "generate", "quickstart", "--num", "none")
    assert (code, said.out) == (2, "")
    assert "'none'" in said.err


def test_it_says_its_version_and_the_studies(monkeypatch, capsys):
    version = importlib.metadata.version("gan-harness")
    assert answer(monkeypatch, capsys, "--version")[1].out == f"gan-harness {version}\n"
    code, said = answer(monkeypatch, capsys, "--list")
    assert code == 0
    (line,) = [line for line in said.out.splitlines() if line.startswith("quickstart ")]
    assert line.endswith("digits?")


def test_another_name_is_refused_with_a_guess(monkeypatch, capsys):
    code, said = answer(monkeypatch, capsys, "stduy")
    assert (code, said.out) == (2, "")
    assert said.err.startswith("error: no command 'stduy'; allowed: study, ")
    assert said.err.endswith("; did you mean study?\n")
