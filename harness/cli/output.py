"""Output that cannot be written: its reader went away, or a disk is full."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import IO, cast


def watch_output(run: Callable[[], int]) -> tuple[int, OSError | None]:
    """The exit code that ``run`` returns, and the error of standard output, None without one.

    The code is 0 if that error ended ``run``. After an error standard output is discarded.
    """
    code, error = 0, None
    try:
        code = run()
        error = _write_error("")
    except OSError:
        # An output that is not buffered forgets what it could not write: it is tried again.
        if (error := _write_error("\n")) is None:
            raise
    except SystemExit as left:  # so Typer answers a closed pipe
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        error = left.__context__
    if error is not None:
        _discard(sys.stdout)
    return code, error


def lasting_output(stream: IO[str] | None) -> IO[str]:
    """A stream that writes to ``stream`` what is shown while work goes on, and outlives its reader.

    Once ``stream`` cannot be written, one line on standard error says so, and whatever else is
    written goes nowhere: no work of hours ends because a pager was closed or a log's disk is full.
    None, a standard output that was closed, takes nothing.
    """
    return cast("IO[str]", _LastingOutput(stream))


class _LastingOutput(io.TextIOBase):
    """What ``lasting_output`` returns."""

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def write(self, text: str) -> int:
        """Write ``text``, or drop it once the stream cannot be written; its length."""
        self._attempt(lambda stream: stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream, unless it cannot be written."""
        self._attempt(lambda stream: stream.flush())

    def _attempt(self, use: Callable[[IO[str]], object]) -> None:
        if self._stream is None:
            return
        try:
            use(self._stream)
        except OSError as error:
            lost, self._stream = self._stream, None
            _discard(lost)
            with contextlib.suppress(OSError):
                reason = error.strerror or type(error).__name__
                print(f"the output cannot be written ({reason}); the work goes on", file=sys.stderr)


def _write_error(text: str) -> OSError | None:
    """The error with which ``text`` and what is buffered cannot be written to standard output."""
    try:
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()
    except OSError as error:
        return error
    return None


def _discard(stream: IO[str]) -> None:
    """Let what ``stream`` holds and what is written to it go nowhere.

    Python flushes its streams when it exits, and would complain.
    """
    with contextlib.suppress(OSError):  # a stream without a file
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
