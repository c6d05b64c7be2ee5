"""Ctrl-C and SIGTERM: a request to stop that is not lost, and a second one that ends the process.

Python raises an exception for a signal wherever the main thread is. In the callback of a weak
reference or in ``__del__``, as they run when a trial's memory is freed, Python prints the exception
and goes on. So the request is also kept: long work calls ``check`` where it can stop. And Python
hears no signal during a compiled call, which takes seconds: a thread hears it at once.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

EXIT_CODE = 130
"""The exit code of an interrupted process: 128 + SIGINT, as shells expect it."""

SAME_PRESS_SECONDS = 0.5
"""Signals so soon after another are the same request: make and other wrappers forward a signal."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h"


class StopRequested(KeyboardInterrupt):
    """The exception of a request.

    KeyboardInterrupt itself would not do: where it passes through ``exec`` of a text, by which
    dataclasses are made, Python notes it, and ends ``python -m`` by SIGINT whatever the exit code
    (``run_eval_code_obj`` in CPython's pythonrun.c looks for that very class).
    """


class Interruption:
    """The request that this process stops; there is one for the process, ``interruption``."""

    def __init__(self) -> None:
        """Nothing is requested, and no signal is handled before ``install``."""
        self.requested = False
        self.presses = 0
        self._last_press = float("-inf")
        self._is_checked = False
        self._is_over = False
        self._on_request: Callable[[], None] | None = None
        self._presses_to_end: int | None = None
        self._pipe: int | None = None
        self._report_unraisable = sys.unraisablehook

    def check(self) -> None:
        """Raise StopRequested if a stop was requested, whether or not it was raised before."""
        if self.requested:
            raise StopRequested

    def install(self) -> None:
        """Handle SIGINT and SIGTERM from now on; for the main thread.

        Each raises StopRequested; inside ``checked`` only the first does. A signal that the process
        was started to ignore stays ignored.
        """
        self.requested, self.presses = False, 0
        self._last_press = float("-inf")
        self._is_checked = self._is_over = False
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
        if sys.unraisablehook != self._on_unraisable:
            self._report_unraisable = sys.unraisablehook
            sys.unraisablehook = self._on_unraisable
        self._listen()

    @contextmanager
    def checked(
        self,
        on_request: Callable[[], None] | None = None,
        presses_to_end: int | None = None,
    ) -> Iterator[None]:
        """A block of work that calls ``check``: one exception is raised, none while it is handled.

        on_request: called once, in another thread, as soon as a stop is requested.
        presses_to_end: the number of requests that ends the process at once; None for any number.
        """
        before = self._is_checked, self._on_request, self._presses_to_end
        self._on_request, self._presses_to_end = on_request, presses_to_end
        self._is_checked = True
        try:
            with self.restored():
                yield
        finally:
            self._is_checked, self._on_request, self._presses_to_end = before

    def caused(self, error: BaseException) -> bool:
        """Whether ``error`` is an interruption, or the SystemError that C code made of one.

        Extension modules call Python, which may raise it where they do not expect an exception.
        """
        if isinstance(error, SystemError):
            return self.requested
        return isinstance(error, KeyboardInterrupt)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """A block out of which StopRequested comes also where C code made a SystemError of it."""
        # Stands just inside of each ``except KeyboardInterrupt`` that has something to close or to
        # tell, and nowhere else: what asks an exception for its kind asks ``caused``.
        try:
            yield
        except SystemError as error:
            if not self.caused(error):
                raise
            raise StopRequested from error

    def finish(self) -> None:
        """No signal raises from now on: the work is done and the exit code decided."""
        self._is_over = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_over:
            return
        was_raised = self.requested and self._is_checked
        self.requested = True
        if not was_raised:
            raise StopRequested

    def _on_unraisable(self, lost: sys.UnraisableHookArgs) -> None:
        """Report an exception that Python cannot raise, unless it is a request, which is kept."""
        if lost.exc_type is not StopRequested:
            self._report_unraisable(lost)

    def _listen(self) -> None:
        """Start the thread that is told of every signal at once; the second call does nothing."""
        if self._pipe is not None:
            return
        reading, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        signal.set_wakeup_fd(self._pipe, warn_on_full_buffer=False)
        threading.Thread(target=self._count, args=(reading,), daemon=True).start()
        # Between Python's end and the process's end a signal would change the exit code.
        atexit.register(_ignore_signals)

    def _count(self, reading: int) -> None:
        while True:
            for number in os.read(reading, 64):
                if number in _SIGNALS and not self._is_over:
                    self._on_press()

    def _on_press(self) -> None:
        now = time.monotonic()
        if now - self._last_press < SAME_PRESS_SECONDS:
            return
        self._last_press = now
        self.presses += 1
        if self._presses_to_end is not None and self.presses >= self._presses_to_end:
            _end_now()
        if self.presses == 1 and self._on_request is not None:
            self._on_request()


interruption = Interruption()
"""The request that this process stops."""


def _end_now() -> None:
    """End the process as kill -9 would, but with the terminal's cursor shown again."""
    with suppress(OSError):
        for output in (1, 2):
            if os.isatty(output):
                os.write(output, _SHOW_CURSOR)
        os.write(2, b"interrupted: ended at once; the same command resumes\n")
    os._exit(EXIT_CODE)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
