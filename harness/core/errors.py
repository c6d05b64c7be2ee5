"""The errors that a person at the terminal can act on, and how texts quote values.

All other exceptions are defects and are shown with their traceback.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterable
from types import TracebackType

_SHOWN_CHARACTERS = 80
_CONTROL_CHARACTERS = re.compile(r"[\0-\x08\x0e-\x1f\x7f-\x9f]")  # all but white space


# An underscore between letters is none: names of scores stay as they are.
_MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")


class HarnessError(Exception):
    """Base of the errors below; its text is one line, written for a person."""


class InputError(HarnessError):
    """Wrong input; the message says what was given, where, and what is allowed. Exit code 2."""


class DivergedError(HarnessError):
    """Training gave a NaN or an infinite loss; the trial ends as FAIL, without a score."""

    def __init__(self, quantity: str, images_seen: int) -> None:
        """Name the ``quantity`` that is not finite, seen after ``images_seen`` training images."""
        super().__init__(quantity, images_seen)  # copies of an exception are made from its args
        self.quantity = quantity
        self.images_seen = images_seen

    def __str__(self) -> str:
        """One line: which quantity is not finite, and after how many images."""
        return f"{self.quantity} is not finite at {self.images_seen:,} images seen"


class TakenOverError(HarnessError):
    """Another worker closed this worker's trial, because its heartbeat was stale."""

    def __str__(self) -> str:
        """One line: who closed the trial, and why."""
        return "another worker closed this trial, because this worker's heartbeat was stale"


class within:
    """Context manager that puts ``where`` in front of the text of an InputError."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, InputError):
            raise InputError(f"{self._where}: {error}") from None


def first_line(error: BaseException) -> str:
    """The first line of what ``error`` says; the name of its type if that is nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def guess(name: str, known: Iterable[str]) -> str:
    """ "; did you mean X?" for the one of ``known`` that is closest to ``name``; "" if none is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def shown(value: object) -> str:
    """``repr(value)`` for an error message: one line of at most 80 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, thousands of levels
        return f"<{type(value).__name__} too large to show>"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


def escape_control_characters(text: str) -> str:
    """``text`` with its control characters, except white space, escaped as ``\\x1b``.

    A terminal would obey them, and PostgreSQL refuses NUL.
    """
    return _CONTROL_CHARACTERS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def plain_markdown(text: object) -> str:
    """``text`` in a line of Markdown, without markup and without columns of a table."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return _MARKUP.sub(r"\\\g<0>", line)


def check_printable(where: str, text: str) -> None:
    """Raise InputError if ``text`` holds control characters other than white space."""
    if _CONTROL_CHARACTERS.search(text):
        raise InputError(f"{where} is {shown(text)}; allowed: text without control characters")
