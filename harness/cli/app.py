"""Runs a command: exit codes and one-line errors.

Exit codes: 0 done, 1 failed, 2 wrong input, 130 interrupted, 141 nobody reads the output. Errors
are one line on stderr.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import TracebackType
from typing import Any, NoReturn

import typer

from harness.cli.output import watch_output
from harness.core.errors import HarnessError, InputError, escape_control_characters
from harness.core.interruption import EXIT_CODE, interruption
from harness.core.secrets import hide_passwords

FAILED, WRONG_INPUT, INTERRUPTED, UNREAD = 1, 2, EXIT_CODE, 141

# Newer versions of Typer contain a copy of click; this is the UsageError that Typer raises.
_UsageError: Any = typer.BadParameter.__base__


def open_door(command: Callable[..., Any], argv: Sequence[str] | None = None) -> NoReturn:
    """Run ``command`` with the arguments of the command line, then exit.

    If the command returns a whole number, that is the exit code. An exception that is neither a
    HarnessError nor an interruption is a defect and keeps its traceback, without passwords.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(_stoppable(command))
    name = f"python -m {command.__module__}"
    if command.__module__ == "__main__" and (spec := sys.modules["__main__"].__spec__):
        name = f"python -m {spec.name}"
    sys.excepthook = _print_defect
    interruption.install()
    try:
        code, lost = watch_output(lambda: _run(typer.main.get_command(app), name, argv))
        interruption.finish()
    except KeyboardInterrupt:  # after the command's last line
        interruption.finish()
        code, lost = INTERRUPTED, None
    if lost is not None and code == 0:
        unread = isinstance(lost, BrokenPipeError)
        code = UNREAD if unread else _print_error(f"standard output: {lost.strerror}", FAILED)
    sys.exit(code)


def _run(command: Any, name: str, argv: Sequence[str] | None) -> int:
    try:
        code = command.main(args=argv, prog_name=name, standalone_mode=False)
    except _UsageError as error:
        arguments = sys.argv[1:] if argv is None else argv
        return _print_error(error.format_message() + _received(error, arguments), WRONG_INPUT)
    except InputError as error:
        return _print_error(str(error), WRONG_INPUT)
    except HarnessError as error:
        return _print_error(str(error), FAILED)
    except (_Stopped, KeyboardInterrupt, typer.Abort):
        return _print_error("interrupted", INTERRUPTED)
    return code if isinstance(code, int) else 0


class _Stopped(Exception):
    """A KeyboardInterrupt out of a command, of which Typer would make an exit without a word."""


def _stoppable(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command``, which raises _Stopped for KeyboardInterrupt."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except KeyboardInterrupt as error:
            raise _Stopped from error

    return run


def _received(error: Any, argv: Sequence[str]) -> str:
    """ ", got VALUE" for the option that ``error`` is about, which Typer's message may omit."""
    options = getattr(getattr(error, "param", None), "opts", ())
    for argument, following in pairwise([*argv, ""]):
        name, _, value = argument.partition("=")
        if name in options:
            return f", got {(value or following)!r}"
    return ""


def _print_error(text: str, code: int) -> int:
    one_line = " ".join(escape_control_characters(hide_passwords(text)).split())
    with contextlib.suppress(OSError):  # standard error may be lost too; the exit code is not
        print(one_line if code == INTERRUPTED else f"error: {one_line}", file=sys.stderr)
    return code


def _print_defect(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print the traceback without passwords: the text of a driver's error may quote an address."""
    sys.stderr.write(hide_passwords("".join(traceback.format_exception(kind, error, trace))))
