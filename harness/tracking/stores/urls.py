"""Addresses of stores: parsing and validation."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from harness.core.errors import InputError, first_line
from harness.core.secrets import mask

BACKENDS = ("sqlite", "postgresql", "mysql")
"""Databases that both MLflow and Optuna can use."""

DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306}

_NEEDS = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME, mysql://..."
_UNSAFE_IN_PATH = "%?{}\n\r\0"  # SQLAlchemy, MLflow and Optuna each parse these differently


def parse(url: str, option: str) -> URL:
    """``url`` parsed, after checking its backend and driver.

    ``option`` names the command-line option in messages. Raises InputError for text that is no
    database URL, for a backend outside ``BACKENDS``, for a driver that is not installed and, as
    ``check_characters`` does, for characters that no server's address has.
    """
    if not url.startswith("sqlite"):
        check_characters(url, option)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError(
            f"{option}: {mask(url)!r} is not a database URL; allowed: {_NEEDS}"
        ) from None
    if parsed.get_backend_name() not in BACKENDS:
        raise InputError(f"{option}: {mask(url)}: unknown kind of store; allowed: {_NEEDS}")
    try:
        parsed.get_dialect().import_dbapi()
    except (ImportError, NoSuchModuleError) as error:
        reason = first_line(error)
        raise InputError(f"{option}: {mask(url)}: its driver is not installed ({reason})") from None
    return parsed


def check_characters(url: str, option: str) -> None:
    """Raise InputError if the address ``url`` holds white space or control characters.

    A message that quotes the address could not be told from it, and a password break off within.
    """
    if not url.isprintable() or " " in url:
        raise InputError(
            f"{option}: {mask(url)!r} holds white space or control characters; "
            "write them percent-encoded, such as %20"
        )


def sqlite_path(url: URL, option: str) -> Path:
    """The absolute path of the file that a SQLite ``url`` names.

    Raises InputError for a database in memory, which other processes cannot open, for options after
    ``?`` and for characters that SQLAlchemy, MLflow and Optuna parse differently.
    """
    shown = mask(str(url))
    if url.drivername not in ("sqlite", "sqlite+pysqlite") or url.query:
        raise InputError(f"{option}: {shown}: allowed for SQLite is sqlite:///FILE alone")
    name = url.database or ""
    if not name or name == ":memory:" or name.startswith("file:"):
        raise InputError(f"{option}: {shown} names no file; allowed: sqlite:///FILE")
    path = Path(name).absolute()
    unsafe = sorted({character for character in str(path) if character in _UNSAFE_IN_PATH})
    if unsafe:
        raise InputError(
            f"{option}: the path {str(path)!r} holds {' '.join(map(repr, unsafe))}, "
            "which database URLs cannot carry; take another folder"
        )
    return path
