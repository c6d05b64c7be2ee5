"""The errors that have a meaning to the person at the terminal, and how they show a value.

Everything else is a defect and keeps its traceback.
"""

from __future__ import annotations

import re
from types import TracebackType

_SHOWN_CHARACTERS = 80
_CONTROL_CHARACTERS = re.compile(r"[\0-\x08\x0e-\x1f\x7f-\x9f]")  # all but white space


class HarnessError(Exception):
    """Base of the errors below; its text is one line, written for a person."""


class InputError(HarnessError):
    """Wrong input: what came, where it stood, what is allowed. The doors exit with 2."""


class DivergedError(HarnessError):
    """Training gave a NaN or an infinite loss; the trial is FAIL, no number stands in for it."""

    def __init__(self, quantity: str, images_seen: int) -> None:
        """Name the ``quantity`` that is not finite, seen after ``images_seen`` training images."""
        super().__init__(quantity, images_seen)  # its arguments, so that it survives a copy
        self.quantity = quantity
        self.images_seen = images_seen

    def __str__(self) -> str:
        """The one line: what is not finite and when."""
        return f"{self.quantity} is not finite at {self.images_seen:,} images seen"


class TakenOverError(HarnessError):
    """Another worker closed this one's trial, having heard nothing of it for too long."""

    def __str__(self) -> str:
        """The one line."""
        return "another worker took it over, having heard nothing of this one for too long"


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


def shown(value: object) -> str:
    """``repr(value)`` as an error message can carry it: one line of at most 80 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, thousands of levels
        return f"<{type(value).__name__} too large to show>"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


def plain(text: str) -> str:
    """``text`` with its control characters escaped, white space apart: they would move a terminal,
    and PostgreSQL takes no NUL."""
    return _CONTROL_CHARACTERS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def check_printable(where: str, text: str) -> None:
    """Raise InputError if ``text`` holds control characters other than white space."""
    if plain(text) != text:
        raise InputError(f"{where} is {shown(text)}; allowed: text without control characters")
