"""Output that nobody reads or that cannot be written: an exit code, never a traceback."""

from __future__ import annotations

import contextlib
import errno
import io
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.app import open_door
from harness.cli.output import lasting_output
from harness.report import report
from harness.study import study
from tests.support.commands import environment, stores, write_study

CLOSED = BrokenPipeError(errno.EPIPE, "Broken pipe")
FULL = OSError(errno.ENOSPC, "No space left on device")


class Lost(io.StringIO):
    """A stream that cannot be written, or only not be flushed, as one that is buffered."""

    def __init__(self, error: OSError, *, buffered: bool = False) -> None:
        super().__init__()
        self.error = error
        self.buffered = buffered
        self.calls = 0

    def write(self, text: str) -> int:
        self.calls += 1
        if not self.buffered:
            raise self.error
        return len(text)

    def flush(self) -> None:
        raise self.error


def leave(command, output, *argv: str) -> tuple[int, str]:
    """The exit code of ``command`` that prints to ``output``, and what stands on stderr."""
    complained = io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(complained),
        pytest.raises(SystemExit) as left,
    ):
        open_door(command, argv)
    return left.value.code, complained.getvalue()


def talk() -> None:
    """A command that says something."""
    print("a line")


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    ("error", "code", "line"),
    [(CLOSED, 141, ""), (FULL, 1, "error: standard output: No space left on device\n")],
)
def test_a_command_whose_output_is_lost_ends_with_its_code(error, code, line, buffered) -> None:
    found = leave(talk, Lost(error, buffered=buffered))
    assert found == (code, line)
    assert leave(report, Lost(error, buffered=buffered), "--help") == (code, line)


def test_wrong_input_stays_wrong_input() -> None:
    code, line = leave(study, Lost(CLOSED, buffered=True), "nosuch")
    assert code == 2
    assert line.startswith("error: no study file")


def test_an_error_line_that_cannot_be_written_keeps_its_exit_code() -> None:
    with (
        contextlib.redirect_stderr(Lost(FULL)),
        pytest.raises(SystemExit) as left,
    ):
        open_door(study, ["nosuch"])
    assert left.value.code == 2


def test_an_error_of_a_file_is_not_taken_for_one_of_the_output() -> None:
    def broken() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "some file")

    with pytest.raises(OSError, match="some file"):
        open_door(broken, [])


@pytest.mark.parametrize("error", [CLOSED, FULL])
def test_what_is_shown_while_work_goes_on_falls_silent_with_one_line(error, capsys) -> None:
    lost = Lost(error)
    output = lasting_output(lost)
    for _ in range(3):
        print("a line", file=output, flush=True)
    assert lost.calls == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"the output cannot be written ({error.strerror}); the work goes on\n"


def test_a_stream_that_works_gets_everything_and_a_closed_one_nothing(capsys) -> None:
    kept = io.StringIO()
    print("a line", file=lasting_output(kept), flush=True)
    print("a line", file=lasting_output(None), flush=True)
    assert kept.getvalue() == "a line\n"
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_a_study_goes_on_when_its_reader_went_away(tmp_path: Path) -> None:
    """As with ``| head -4``: the reader closes the pipe in the middle of the first trial."""
    write_study(tmp_path, "tiny", 768)
    arguments = ["tiny", "--n-trials", "2", "--set", "learning_rate=0.001"]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.study", *arguments],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        if "starts" in line:
            break
    process.stdout.close()
    with process.stderr:
        complaint = process.stderr.read()
    assert process.wait(timeout=300) == 0
    assert complaint == "the output cannot be written (Broken pipe); the work goes on\n"
    trials, _, _ = stores(tmp_path, "tiny")
    assert len(trials) == 2
    assert (tmp_path / "reports" / "tiny" / "index.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize("door", ["study --dry-run", "report --help", "doctor --help"])
def test_processes_whose_output_is_lost_say_nothing_else_at_their_exit(door, tmp_path) -> None:
    command = f"{sys.executable} -m harness.{door}"
    shell = ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}; {command} > /dev/full"]
    env = environment(tmp_path)
    result = subprocess.run(shell, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert result.stdout == "141\n"
    assert (result.returncode, result.stderr) == (
        1,
        "error: standard output: No space left on device\n",
    )
