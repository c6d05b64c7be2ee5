"""Creates and checks the databases before any worker opens them.

Tables are created under a lock: of several processes that create them at once, all but one would
fail. A store that cannot be used raises an InputError of one line before anything is trained.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from harness.core.errors import InputError
from harness.core.secrets import hide_passwords, is_secret_name, mask
from harness.tracking.stores import sqlite as sqlite_file
from harness.tracking.stores.locks import TABLES, TABLES_SECONDS, lock
from harness.tracking.stores.mlflow_server import check_server, is_server_uri
from harness.tracking.stores.urls import DEFAULT_PORTS, parse, sqlite_path

_CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Schema:
    """The tables of one program, MLflow or Optuna.

    ``program`` is the name in messages. A database that has ``table`` is taken to be the program's.
    ``create(url)`` creates all tables in an empty database and leaves no connection open.
    """

    program: str
    table: str
    create: Callable[[str], None]


def prepare_database(url: str, schema: Schema, *, option: str) -> str:
    """Create the tables of ``schema`` if missing, check the database; the absolute form of ``url``.

    A SQLite file is created with its folder if missing, and set to write-ahead logging. ``option``
    is the command-line option that named the URL. Raises InputError, one line, password masked, if
    the database cannot be used; then no partly created file is left behind.
    """
    parsed = parse(url, option)
    if parsed.get_backend_name() == "sqlite":
        path = sqlite_path(parsed, option)
        with _as_input_error(option, None), lock(f"sqlite:///{path}", TABLES, TABLES_SECONDS):
            _prepare_sqlite(path, schema)
        return f"sqlite:///{path}"
    with _as_input_error(f"{option}: {mask(url)}", parsed):
        _prepare_server(parsed, schema)
    return url


def check_database(url: str, schema: Schema, *, option: str) -> str:
    """Check that the database has the tables of ``schema``; the absolute form of ``url``.

    Writes nothing. Raises InputError, one line, if the tables are missing.
    """
    parsed = parse(url, option)
    if parsed.get_backend_name() == "sqlite":
        path = sqlite_path(parsed, option)
        if sqlite_file.is_missing(path):
            raise InputError(f"there are no runs at {path} yet; run a study first")
        with _as_input_error(option, None):
            sqlite_file.check_file(path, schema.program, schema.table)
        return f"sqlite:///{path}"
    if not has_table(parsed, schema.table, option):
        raise InputError(f"{option}: {mask(url)}: there are no runs yet; run a study first")
    return url


def has_table(url: URL, table: str, option: str) -> bool:
    """Whether the database at the server ``url`` has ``table``. Writes nothing.

    Raises InputError, one line, if the server cannot be used.
    """
    with _as_input_error(f"{option}: {mask(str(url))}", url):
        _check_listens(url)
        return table in _tables(url)


def tracking_schema(artifact_root: Path) -> Schema:
    """The tables of MLflow; its default experiment keeps artifacts below ``artifact_root``."""

    def create(url: str) -> None:
        logging.getLogger("alembic").setLevel(logging.WARNING)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        SqlAlchemyStore(url, artifact_root.absolute().as_uri()).engine.dispose()

    return Schema("MLflow", "experiments", create)


def prepare_tracking_store(uri: str, artifact_root: Path, *, option: str = "--tracking-uri") -> str:
    """Make the MLflow store at ``uri`` ready for use; the absolute form of ``uri``.

    ``uri`` is a database or the http(s) address of an MLflow server. Raises InputError, one line,
    password masked, if ``uri`` is neither or does not answer.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    if is_server_uri(uri):
        check_server(uri, option)
        return uri
    uri = prepare_database(uri, tracking_schema(artifact_root), option=option)
    try:
        MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
    except MlflowException as error:
        reason = hide_passwords(_first_line(error))
        raise InputError(f"{option}: {mask(uri)}: {reason}") from None
    return uri


def check_tracking_store(uri: str, *, option: str = "--tracking-uri") -> str:
    """Check that the database ``uri`` has MLflow's tables; the absolute form of ``uri``.

    Writes nothing and does not import MLflow. Raises InputError, one line, if the tables are
    missing, and for the address of an MLflow server, which has its own UI.
    """
    if is_server_uri(uri):
        raise InputError(f"{option}: {mask(uri)} is an MLflow server; open it in a browser")
    return check_database(uri, tracking_schema(Path()), option=option)


def _prepare_sqlite(path: Path, schema: Schema) -> None:
    if sqlite_file.is_missing(path):
        sqlite_file.create_file(path, lambda new: schema.create(f"sqlite:///{new}"))
    else:
        sqlite_file.check_file(path, schema.program, schema.table)
        sqlite_file.enable_wal(path)


def _prepare_server(url: URL, schema: Schema) -> None:
    address = url.render_as_string(hide_password=False)
    _check_listens(url)
    with lock(address, TABLES, TABLES_SECONDS):  # another process may be creating its tables
        tables = _tables(url)
        if schema.table in tables:
            return
        if tables:  # both programs keep their schema version in a table called alembic_version
            raise InputError(f"holds other tables; {schema.program} needs an empty database")
        schema.create(address)


def _check_listens(url: URL) -> None:
    """Raise OSError within 5 s if nothing listens at ``url``; a driver may take minutes."""
    if url.host:
        port = url.port or DEFAULT_PORTS[url.get_backend_name()]
        socket.create_connection((url.host, port), timeout=_CONNECT_SECONDS).close()


def _tables(url: URL) -> set[str]:
    """The names of the tables in the database at ``url``."""
    engine = sqlalchemy.create_engine(url)
    try:
        return set(sqlalchemy.inspect(engine).get_table_names())
    finally:
        engine.dispose()


@contextmanager
def _as_input_error(where: str, url: URL | None) -> Iterator[None]:
    """Turn the errors of a store into an InputError that begins with ``where``.

    ``url`` is the address of a server, whose passwords the message does not show.
    """
    try:
        yield
    except (InputError, OSError, SQLAlchemyError, OverflowError, UnicodeError) as error:
        reason = hide_passwords(_first_line(error))
        for password in _passwords(url):
            reason = reason.replace(password, "***")
        raise InputError(f"{where}: {reason}") from None


def _passwords(url: URL | None) -> list[str]:
    """The passwords in ``url``, decoded: as a driver may quote them."""
    if url is None:
        return []
    values = [str(url.password or "")]
    for name, value in url.query.items():
        if is_secret_name(name):
            values += [value] if isinstance(value, str) else value
    return [value for value in values if value]


def _first_line(error: Exception) -> str:
    """The first line of the driver's message, without SQLAlchemy's prefix."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    text = str(getattr(error, "orig", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__
