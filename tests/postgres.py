"""Fresh PostgreSQL databases on the server that HARNESS_TEST_POSTGRES names."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy


@contextmanager
def fresh_database() -> Iterator[str]:
    """The address of an empty database, gone afterwards; skips the test if there is no server."""
    server = os.environ.get("HARNESS_TEST_POSTGRES")
    if not server:
        pytest.skip("HARNESS_TEST_POSTGRES does not name a PostgreSQL server")
    name = f"harness_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    try:
        url = sqlalchemy.make_url(server).set(database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
