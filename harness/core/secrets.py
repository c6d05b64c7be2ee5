"""Hides passwords and tokens: in the address of a store, and in any text that may quote one.

Works on the text as it was written, because an address that no library can parse, and one with an
unescaped ``@``, ``/`` or ``?`` in its password, must not show a password either.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

_HIDDEN = "***"

_SECRET_NAME = re.compile(r"(?i)pass|pwd|token|secret|key|auth|credential|^sig|odbc_connect")
_SCHEME = re.compile(r"(?:([A-Za-z][\w+.-]*):(?=//))?/*")
_FILE = re.compile(r"(?i)(?:sqlite(?:\+\w+)?|file):///")  # a path follows, and no user
_DATABASES = ("sqlite", "postgresql", "mysql")
_USER = re.compile(r"[\w.~%+-]*")

_QUERY_NAME = re.compile(r"(?<=[?&;#])[^=&;#?\s]+=")
_NEXT_NAME = re.compile(r"&[\w.%+-]+=")

# A scheme has few characters; without a limit a long word would be read once per character.
_SCHEME_IN_TEXT = r"(?:[A-Za-z][\w+.-]{0,30})?://"
_ADDRESS = re.compile(rf"(?m){_SCHEME_IN_TEXT}.*?(?=[\s'\"(<,]{_SCHEME_IN_TEXT}|$)")
_HOST = re.compile(r"[^:]*://(?:[\w.-]+|\[[\w:.]*\])?(?::\d+)?(?=:?(?:[/?#'\",;.)\]>]|$))")
_ASSIGNMENT = re.compile(
    r"""(?ix)
    ((?<![\w.-])[\w.-]*
    (?:password|passwd|passphrase|pwd|token|secret|api_?key|access_?key|sslkey|authorization)
    ['"]?\s*[=:]\s*)
    (?: '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | (?:(?:bearer|basic)\s+)?\S+ )"""
)

_ENVIRONMENT = (
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "PGPASSWORD",
    "MYSQL_PWD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
"""Variables by which the libraries of this project are given a password or token."""

_SHORTEST = 6  # a shorter value may be a part of any word


def is_secret_name(name: str) -> bool:
    """Whether a query key called ``name``, percent-encoded or not, holds a password or token."""
    return _SECRET_NAME.search(unquote_plus(name)) is not None


def mask(url: str) -> str:
    """``url`` with each password and token replaced by ``***``, safe to print or log.

    Hidden are the password, up to the last ``@``; a user without a password, except a database's,
    since MLflow servers take tokens there; and the values of query keys such as ``password``,
    ``sslpassword``, ``token`` and ``api_key``.
    """
    return _hide(url, [*_login(url), *_query_values(url)])


def hide_passwords(text: str) -> str:
    """``text`` with each password and token in it replaced by ``***``.

    Hidden is what ``mask`` hides in an address, the value after a name such as ``password=`` or
    ``Authorization:``, and what variables such as ``MLFLOW_TRACKING_TOKEN`` hold. An address ends
    at white space, which no server's address may hold; if what follows ``://`` is no host, it ends
    at the last ``@`` of the line.
    """
    text = _ADDRESS.sub(lambda found: _mask_in_text(found[0]), text)
    text = _ASSIGNMENT.sub(rf"\1{_HIDDEN}", text)
    for name in _ENVIRONMENT:
        value = os.environ.get(name, "").strip()
        if len(value) >= _SHORTEST:
            text = text.replace(value, _HIDDEN)
    return text


def _mask_in_text(line: str) -> str:
    """``line``, which begins with an address, with that masked."""
    space = re.search(r"\s|$", line)
    assert space is not None  # the end, at least
    address, rest = line[: space.start()], line[space.start() :]
    if "@" in address or _HOST.match(address):
        return mask(address) + rest
    return mask(line)


def _login(url: str) -> Iterator[tuple[int, int]]:
    """Where ``url`` holds a password or token before its host: at most one (begin, end)."""
    found = _SCHEME.match(url)
    assert found is not None  # the pattern matches nothing as well
    begin, end = found.end(), url.rfind("@")
    if end <= begin or _FILE.match(url):
        return
    user, colon, password = url[begin:end].partition(":")
    if _USER.fullmatch(user):
        if password:
            yield begin + len(user) + 1, end
            return
        if not colon and (found[1] or "").lower().startswith(_DATABASES):
            return
    yield begin, end


def _query_values(url: str) -> Iterator[tuple[int, int]]:
    """Where ``url`` holds the values of secret query keys; each ends before the next key."""
    for found in _QUERY_NAME.finditer(url):
        if is_secret_name(found[0]):
            end = _NEXT_NAME.search(url, found.end())
            yield found.end(), end.start() if end else len(url)


def _hide(text: str, spans: list[tuple[int, int]]) -> str:
    """``text`` with ``***`` for each of the ``spans``; spans that overlap or touch become one."""
    shown, done = "", 0
    for begin, end in sorted(spans):
        if end > done:
            touches = done > 0 and begin <= done
            shown += "" if touches else text[done:begin] + _HIDDEN
            done = end
    return shown + text[done:]
