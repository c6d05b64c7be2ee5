"""Stores that can be used are prepared once; all others are refused in one line."""

from __future__ import annotations

import http.server
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from harness.core.errors import InputError
from harness.core.secrets import mask
from harness.tracking.stores.databases import (
    Schema,
    check_database,
    check_tracking_store,
    prepare_database,
    prepare_tracking_store,
)
from harness.tracking.stores.layout import Layout


def _create_trials(url: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("CREATE TABLE trials (number INTEGER)")
    connection.commit()
    connection.close()


TRIALS = Schema("the search", "trials", _create_trials)


def prepare(url: str, schema: Schema = TRIALS) -> str:
    return prepare_database(url, schema, option="--storage")


def refusal(url: str) -> str:
    """The one line with which ``url`` is refused as a storage."""
    with pytest.raises(InputError) as caught:
        prepare(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_new_database_gets_folder_tables_and_write_ahead_log(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a b/c/optuna.db"
    assert prepare("sqlite:///a b/c/optuna.db") == f"sqlite:///{path}"
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("SELECT count(*) FROM trials").fetchone() == (0,)
    connection.close()
    assert sorted(p.name for p in path.parent.iterdir()) == [".lock", "optuna.db"]


def test_an_existing_database_keeps_its_rows_and_is_set_to_write_ahead(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    _create_trials(url)
    connection = sqlite3.connect(tmp_path / "optuna.db")
    connection.execute("INSERT INTO trials VALUES (7)")
    connection.commit()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    prepare(url)
    assert connection.execute("SELECT number FROM trials").fetchall() == [(7,)]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_an_empty_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "optuna.db").touch()
    assert check_database(prepare(f"sqlite:///{tmp_path / 'optuna.db'}"), TRIALS, option="x")


def test_a_creation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(url: str) -> None:
        _create_trials(url)
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="--storage: No space left on device"):
        prepare(f"sqlite:///{tmp_path / 'optuna.db'}", Schema("the search", "trials", fail))
    assert [p.name for p in tmp_path.iterdir()] == [".lock"]


def test_a_creation_that_is_killed_leaves_no_database(tmp_path: Path) -> None:
    program = f"""
import os
from harness.tracking.stores.databases import Schema, prepare_database
def die(url):
    open(url.removeprefix("sqlite:///"), "wb").write(b"SQLite format 3")
    os._exit(9)
prepare_database("sqlite:///{tmp_path}/optuna.db", Schema("s", "trials", die), option="x")
"""
    root = Path(__file__).resolve().parents[3]
    killed = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert killed.returncode == 9
    assert not (tmp_path / "optuna.db").exists()
    prepare(f"sqlite:///{tmp_path / 'optuna.db'}")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "optuna.db"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is not a database URL"),
        ("mlruns", "is not a database URL"),
        ("file:///srv/mlruns", "unknown kind of store"),
        ("redis://somewhere/0", "unknown kind of store"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x.db", "names no file"),
        ("sqlite:///x.db?mode=ro", "sqlite:///FILE alone"),
        ("sqlite:///a{b}.db", "cannot carry"),
        ("sqlite:////dev/null/x/optuna.db", "Not a directory"),
        ("postgresql+pg8000://host/db", "driver is not installed"),
        ("postgresql+nothing://host/db", "driver is not installed"),
    ],
)
def test_addresses_that_name_no_store(url: str, words: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = refusal(url)
    assert said.startswith("--storage: ")
    assert words in said
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_database(tmp_path: Path, empty_stores: Layout) -> None:
    path = tmp_path / "optuna.db"
    path.write_text("some notes\n" * 100)
    assert "is not a SQLite database" in refusal(f"sqlite:///{path}")
    assert path.read_text() == "some notes\n" * 100
    whole = (empty_stores.root / "mlflow.db").read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    assert "cannot be read" in refusal(f"sqlite:///{path}")
    torn = bytearray(whole)
    torn[20_000:60_000] = os.urandom(40_000)
    path.write_bytes(torn)
    assert str(path) in refusal(f"sqlite:///{path}")
    assert path.read_bytes() == bytes(torn)
    path.write_bytes(whole)
    assert "not a database of the search: it has no table 'trials'" in refusal(f"sqlite:///{path}")
    assert "is not a file" in refusal(f"sqlite:///{tmp_path}")


def test_a_database_that_cannot_be_written(tmp_path: Path, monkeypatch) -> None:
    url = prepare(f"sqlite:///{tmp_path / 'optuna.db'}")
    connection = sqlite3.connect(tmp_path / "optuna.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("harness.tracking.stores.sqlite._BUSY_SECONDS", 0.1)
    assert "cannot be written: database is locked" in refusal(url)
    connection.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:s3cret@host:x/db",
        "postgresql+pg8000://me:s3cret@host/db",
        "oracle://me:s3cret@host/db",
        "//me:s3cret@host",
    ],
)
def test_passwords_are_not_shown(url: str) -> None:
    assert "s3cret" not in mask(url)
    assert "s3cret" not in refusal(url)
    assert "***" in refusal(url)


def test_a_port_that_nobody_listens_on(tmp_path: Path, closed_port: int, monkeypatch) -> None:
    # As if the driver were installed: it takes none to find that nobody listens.
    monkeypatch.setattr("sqlalchemy.dialects.postgresql.psycopg2.dialect.import_dbapi", lambda: sys)
    said = refusal(f"postgresql+psycopg2://me:s3cret@127.0.0.1:{closed_port}/db")
    assert said == (
        f"--storage: postgresql+psycopg2://me:***@127.0.0.1:{closed_port}/db: Connection refused"
    )
    for uri in (f"http://127.0.0.1:{closed_port}", f"https://me:s3cret@127.0.0.1:{closed_port}"):
        with pytest.raises(InputError, match=r"--tracking-uri: .*no server answers") as caught:
            prepare_tracking_store(uri, tmp_path)
        assert "s3cret" not in str(caught.value)


@pytest.fixture(params=[404])
def strange_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """An HTTP server that is no MLflow server: it answers everything with one status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_error(request.param)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("strange_server", [404, 503], indirect=True)
def test_a_server_that_is_not_mlflow(strange_server: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "9")  # not at the first connection
    with_password = strange_server.replace("//", "//me:s3cret@")
    began = time.monotonic()
    for uri in (strange_server, with_password):
        with pytest.raises(InputError, match=r"--tracking-uri: http://.*(404|503)") as caught:
            prepare_tracking_store(uri, tmp_path)
        assert "s3cret" not in str(caught.value)
    assert time.monotonic() - began < 10.0
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "9"


def test_what_a_database_server_answers_is_told_without_the_password(
    strange_server: str, monkeypatch
) -> None:
    def refuse(_: object, **options: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("no role me:s3cret\nDETAIL: none"))

    monkeypatch.setattr("sqlalchemy.dialects.postgresql.psycopg2.dialect.import_dbapi", lambda: sys)
    monkeypatch.setattr("sqlalchemy.create_engine", refuse)
    address = strange_server.removeprefix("http://")
    said = refusal(f"postgresql+psycopg2://me:s3cret@{address}/db")
    assert said == f"--storage: postgresql+psycopg2://me:***@{address}/db: no role me:***"


def test_a_store_of_another_mlflow_is_named(layout: Layout) -> None:
    connection = sqlite3.connect(layout.root / "mlflow.db")
    connection.execute("UPDATE alembic_version SET version_num = '000000000000'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="out-of-date database schema") as caught:
        prepare_tracking_store(layout.tracking_uri, layout.artifact_root)
    assert "\n" not in str(caught.value)


def test_looking_writes_nothing(tmp_path: Path, layout: Layout, empty_stores: Layout) -> None:
    missing = Layout(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no runs at .* yet; run a study first"):
        check_tracking_store(missing.tracking_uri)
    assert not missing.root.exists()
    assert check_tracking_store(layout.tracking_uri) == layout.tracking_uri
    assert (layout.root / "mlflow.db").read_bytes() == (
        empty_stores.root / "mlflow.db"
    ).read_bytes()
    # SQLite's own two files beside a database in write-ahead mode, without content
    assert {p.name for p in layout.root.iterdir()} <= {
        "optuna.db",
        "mlflow.db",
        "mlflow.db-wal",
        "mlflow.db-shm",
    }
    with pytest.raises(InputError, match="is an MLflow server"):
        check_tracking_store("http://me:s3cret@host:5000")


def _open_at_once(root: Path, barrier, results) -> None:
    from harness.core.config import TrialConfig
    from harness.core.schema import FinalState
    from harness.core.spec.study_spec import StudySpec
    from harness.tracking.mlflow_tracker import MlflowTracker

    layout = Layout(root)
    barrier.wait()
    study = MlflowTracker(layout.tracking_uri, layout.artifact_root).open_study(
        StudySpec(name="race", question="Who is first?")
    )
    trial = study.start_trial(os.getpid(), TrialConfig())
    trial.finish(FinalState.COMPLETE)
    results.put((study.experiment_id, study.run_id, trial.run_id))


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 4])
def test_processes_meet_a_fresh_store(tmp_path: Path, number: int) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(number), context.Queue()
    workers = [
        context.Process(target=_open_at_once, args=(tmp_path / "mlruns", barrier, results))
        for _ in range(number)
    ]
    for worker in workers:
        worker.start()
    seen = [results.get(timeout=300) for _ in workers]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * number
    assert len({(experiment, parent) for experiment, parent, _ in seen}) == 1
    assert len({trial for _, _, trial in seen}) == number


def test_looking_at_a_database_keeps_the_locks_that_are_on_it(tmp_path):
    """On POSIX a process loses all its locks on a file when it closes any descriptor of the file.

    Without its lock, the last other process to leave takes the write-ahead log away, and with it
    what is still to be written.
    """
    path = tmp_path / "mlflow.db"
    prepare_tracking_store(f"sqlite:///{path}", tmp_path / "artifacts")
    with closing(sqlite3.connect(path)) as here:
        assert here.execute("SELECT count(*) FROM experiments").fetchone() == (1,)
        check_tracking_store(f"sqlite:///{path}")
        there = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1])"
        there += "; c.execute('CREATE TABLE t (x)'); c.close()"
        subprocess.run([sys.executable, "-c", there, str(path)], check=True)
        assert path.with_name("mlflow.db-wal").exists()
