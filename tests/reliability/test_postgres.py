"""PostgreSQL for both stores: stopped during a trial, no password shown.

HARNESS_TEST_OUTAGE is how long it is away, in seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from harness.core.errors import InputError
from harness.search.study.storage import open_storage
from harness.tracking.stores.databases import prepare_database, tracking_schema
from tests.reliability.conftest import OUTAGE_SECONDS, BothStores
from tests.support.postgres import postgres_database
from tests.support.repository import REPOSITORY

SCRIPT = str(REPOSITORY / ".ci" / "postgres")


@pytest.fixture
def two_databases(postgres_url: str) -> Iterator[tuple[str, str]]:
    """One for each program."""
    with postgres_database(postgres_url) as second:
        yield postgres_url, second


def test_one_database_for_both_programs_is_refused(postgres_url: str, tmp_path: Path) -> None:
    storage = open_storage(postgres_url)
    storage.engine.dispose()
    with pytest.raises(InputError, match="MLflow needs an empty database") as caught:
        prepare_database(postgres_url, tracking_schema(tmp_path), option="--tracking-uri")
    assert str(make_url(postgres_url).password) not in str(caught.value)


def test_a_wrong_password_is_said_at_once_and_not_shown(postgres_url: str) -> None:
    wrong = make_url(postgres_url).set(password="not-this-one")
    with pytest.raises(InputError, match="authentication failed") as caught:
        open_storage(wrong.render_as_string(hide_password=False))
    assert "not-this-one" not in str(caught.value)


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server that the test may stop, and its folder."""
    if not os.environ.get("HARNESS_TEST_POSTGRES"):
        pytest.skip("HARNESS_TEST_POSTGRES does not name a PostgreSQL server; .ci/run starts one")
    if not os.access(SCRIPT, os.X_OK):
        pytest.skip("no .ci/postgres here")
    folder = Path(f"/tmp/harness-postgres-{os.getpid()}")
    url = control("start", folder)
    yield url, folder
    control("stop", folder)
    subprocess.run(["rm", "-rf", str(folder), f"{folder}.log"], check=True)


def control(what: str, folder: Path) -> str:
    result = subprocess.run(
        [SCRIPT, what, str(folder)], stdout=subprocess.PIPE, text=True, timeout=120, check=True
    )
    return result.stdout.strip()


@pytest.mark.slow
def test_a_server_that_stops_for_a_while_costs_nothing(
    own_server: tuple[str, Path], tmp_path: Path
) -> None:
    server, folder = own_server

    def stop_for_a_while() -> None:
        control("stop", folder)
        threading.Timer(OUTAGE_SECONDS, control, ("start", folder)).start()

    with postgres_database(server) as first, postgres_database(server) as second:
        stores = BothStores(first, second, tmp_path / "artifacts")
        stores.run({1: stop_for_a_while, 5: stop_for_a_while})
        trials = stores.check_equal()
        stores.close()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
    assert all(len(trial.intermediate_values) == 3 for trial in trials)


@pytest.mark.slow
def test_a_study_from_the_command_line_keeps_the_password_to_itself(
    two_databases: tuple[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "harness.study", "--smoke", "--n-trials"]
    stores = [f"--storage={two_databases[0]}", f"--tracking-uri={two_databases[1]}"]
    environment = {**os.environ, "HARNESS_MLRUNS": str(tmp_path / "mlruns")}
    said = ""
    for total in ("1", "2"):
        result = subprocess.run(
            [*command, total, *stores],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=500,
        )
        said += result.stdout + result.stderr
        assert result.returncode == 0, said
    assert "2 of 2 trials" in said
    password = str(make_url(two_databases[0]).password)
    assert password not in said
    for file in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.json"), *tmp_path.rglob("*.csv")]:
        assert password not in file.read_text()
    dump = ["pg_dump", "--data-only", "--dbname"]
    for url in two_databases:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        content = subprocess.run([*dump, plain], capture_output=True, text=True, check=True).stdout
        assert "fid" in content
        assert password not in content
