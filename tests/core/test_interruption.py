"""A request to stop is not lost, is heard at once, and a second one ends the process."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.interruption import EXIT_CODE, SAME_PRESS_SECONDS, Interruption, interruption


@pytest.fixture
def request_to_stop() -> Iterator[Interruption]:
    """The process's request, its handlers installed; nothing is requested afterwards."""
    interruption.install()
    yield interruption
    interruption.install()


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


class Freed:
    """An object whose end is a moment at which Python forgets exceptions."""


def interrupt_where_exceptions_are_lost() -> None:
    freed = Freed()
    watched = weakref.ref(freed, lambda _: interrupt())
    del freed
    gc.collect()
    assert watched() is None


def test_a_request_whose_exception_is_lost_is_seen_by_the_next_check(
    request_to_stop: Interruption, capsys: pytest.CaptureFixture[str]
) -> None:
    with request_to_stop.checked():
        interrupt_where_exceptions_are_lost()
        with pytest.raises(KeyboardInterrupt):
            request_to_stop.check()
    assert capsys.readouterr().err == ""  # it is not lost, so nobody is told that it was


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_checked_work_only_the_first_signal_raises_so_that_the_end_can_be_written(
    request_to_stop: Interruption, number: signal.Signals
) -> None:
    with request_to_stop.checked():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)
        assert request_to_stop.requested
    with pytest.raises(KeyboardInterrupt):  # elsewhere every signal does
        signal.raise_signal(number)


def test_what_c_code_made_of_the_exception_is_the_exception_again(
    request_to_stop: Interruption,
) -> None:
    with pytest.raises(SystemError), request_to_stop.restored():
        raise SystemError("bad argument to internal function")  # a defect of its own
    with request_to_stop.checked():
        with pytest.raises(KeyboardInterrupt):
            interrupt()
        with pytest.raises(KeyboardInterrupt), request_to_stop.restored():
            raise SystemError("bad argument to internal function")
    with pytest.raises(KeyboardInterrupt), request_to_stop.checked():
        raise SystemError("bad argument to internal function")


def test_without_a_request_nothing_is_raised(request_to_stop: Interruption) -> None:
    request_to_stop.check()
    assert not request_to_stop.requested


def test_a_finished_command_is_not_interrupted(request_to_stop: Interruption) -> None:
    request_to_stop.finish()
    interrupt()
    assert not request_to_stop.requested


def test_a_signal_that_was_ignored_from_the_start_stays_ignored() -> None:
    """As shells start background jobs with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption.install()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


PROGRAM = """
import hashlib, sys, time
from harness.core.interruption import interruption

def say():
    print("heard", flush=True)

def uninterruptible():
    # A call into C that takes seconds, frees the interpreter's lock and hears no signal.
    hashlib.pbkdf2_hmac("sha256", b"", b"", {rounds})

interruption.install()
try:
    with interruption.checked(say, {presses}):
        print("ready", flush=True)
        uninterruptible()
        print("not reached", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
interruption.finish()
"""


def start(rounds: int, presses: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(rounds=rounds, presses=presses)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)  # into the call
    return process


def test_the_word_comes_while_a_compiled_call_runs_and_the_stop_after_it() -> None:
    with start(rounds=3_000_000, presses=2) as process:
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.stdout is not None
        assert process.stdout.readline() == "heard\n"
        heard = time.monotonic() - began
        assert process.stdout.readline() == "stopped\n"
        stopped = time.monotonic() - began
    assert process.returncode == 0
    assert heard < stopped / 2


def test_the_second_press_ends_the_process_and_an_echo_of_the_first_does_not() -> None:
    process = start(rounds=2_000_000_000, presses=2)  # about an hour
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)  # make forwards what its group was sent already
    time.sleep(2 * SAME_PRESS_SECONDS)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == EXIT_CODE
    assert output == "heard\n"
    assert errors == "interrupted: ended at once; the same command resumes\n"


EXECUTES_A_TEXT = """
import sys
from harness.core.interruption import interruption

interruption.install()
try:
    exec("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
except KeyboardInterrupt:
    interruption.finish()
    sys.exit(130)
"""


def test_a_request_while_python_executes_a_text_leaves_the_exit_code_as_it_is(
    tmp_path: Path,
) -> None:
    """``python -m`` ends by SIGINT where its own exception went through ``exec``, caught or not."""
    (tmp_path / "executes_a_text.py").write_text(EXECUTES_A_TEXT)
    paths = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    ended = subprocess.run(
        [sys.executable, "-m", "executes_a_text"],
        env={**os.environ, "PYTHONPATH": paths},
        check=False,
    )
    assert ended.returncode == EXIT_CODE
