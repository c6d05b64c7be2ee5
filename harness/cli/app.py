"""What the doors share: exit codes and one-line errors.

0 done, 1 it failed, 2 wrong input, 130 interrupted. Wrong input is one line on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NoReturn

import typer

from harness.core.errors import HarnessError, InputError, plain

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130

# Typer brings its own copy of click in newer versions; this is UsageError in either.
_UsageError: Any = typer.BadParameter.__base__


def open_door(command: Callable[..., Any], argv: Sequence[str] | None = None) -> NoReturn:
    """Run ``command`` with the arguments of the command line and exit with the code it earns.

    A command's return value, if it is a number, is its exit code. Anything that is neither a
    HarnessError nor an interruption is a defect and keeps its traceback.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    name = f"python -m {command.__module__}"
    if command.__module__ == "__main__" and (spec := sys.modules["__main__"].__spec__):
        name = f"python -m {spec.name}"
    sys.exit(_run(typer.main.get_command(app), name, argv))


def _run(command: Any, name: str, argv: Sequence[str] | None) -> int:
    try:
        code = command.main(args=argv, prog_name=name, standalone_mode=False)
    except _UsageError as error:
        words = sys.argv[1:] if argv is None else argv
        return _say(error.format_message() + _received(error, words), WRONG_INPUT)
    except InputError as error:
        return _say(str(error), WRONG_INPUT)
    except HarnessError as error:
        return _say(str(error), FAILED)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _received(error: Any, argv: Sequence[str]) -> str:
    """What came for the option that ``error`` is about: typer says only what it should be."""
    options = getattr(getattr(error, "param", None), "opts", ())
    for word, following in pairwise([*argv, ""]):
        name, _, value = word.partition("=")
        if name in options:
            return f", got {(value or following)!r}"
    return ""


def _say(text: str, code: int) -> int:
    one_line = " ".join(plain(text).split())
    print(one_line if code == INTERRUPTED else f"error: {one_line}", file=sys.stderr)
    return code
