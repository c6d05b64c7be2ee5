"""What the fuzz tests share: values that fit nowhere, and how a door must answer."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import math
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from harness.cli.app import open_door
from harness.core.errors import InputError, escape_control_characters

VARIABLE = "HARNESS_FUZZ_EXAMPLES"
_campaign = int(os.environ.get(VARIABLE, "0"))


def cases(share: float = 1.0) -> settings:
    """Some dozens of cases, the same on every run; as many as VARIABLE says, and new ones, with it.

    ``share``: of that number, for tests whose cases take longer or shorter than others.
    """
    number = max(5, round(share * (_campaign or 60)))
    return settings(max_examples=number, deadline=None, derandomize=not _campaign)


texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", " ", "\0", "\x1b[31m", "a\nb", "../..", "/", "<b>", "'; --", "x" * 300]),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 2**31, 2**63, 10**400, 1e308, -0.0, math.nan, math.inf]),
)
scalars = st.one_of(
    texts, numbers, st.booleans(), st.just(datetime.date(2026, 2, 3)), st.just(datetime.time(4, 5))
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def as_toml(value: object) -> str:
    """``value`` as TOML, tables inline; text that TOML cannot hold makes an invalid file."""
    if isinstance(value, Mapping):
        pairs = (f"{_quoted(key)} = {as_toml(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: object) -> str:
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


@contextmanager
def refused_in_one_line(without: str | None = None) -> Iterator[None]:
    """Let pass what the block accepts or refuses by an InputError fit for a terminal.

    ``without``: what the line must not say.
    """
    try:
        yield
    except InputError as error:
        line = " ".join(escape_control_characters(str(error)).split())  # as the doors show it
    else:
        return
    assert without is None or without not in line
    check_line(f"{line}\n")


def check_line(text: str) -> None:
    """Fail unless ``text`` is one line that leaves a terminal as it is."""
    assert text.count("\n") == 1, text
    assert not any(unicodedata.category(character) == "Cc" for character in text[:-1]), repr(text)


def pass_door(command: Callable[..., Any], *argv: str) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of ``command``; a traceback leaves as its exception."""
    said, complained = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(complained),
        pytest.raises(SystemExit) as left,
    ):
        open_door(command, argv)
    code = left.value.code
    assert isinstance(code, int)
    return code, said.getvalue(), complained.getvalue()


def check_refusal(code: int, complaint: str) -> None:
    """Fail unless the door said what is wrong, in one line, with exit code 2."""
    assert code == 2, complaint
    check_line(complaint)
    assert complaint.startswith("error: ")


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its bytes: what must not change.

    Locks and the files that SQLite keeps beside an open database say nothing of its content.
    """
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", "-shm", "-wal"))
    }
