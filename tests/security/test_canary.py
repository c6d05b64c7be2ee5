"""Whole sessions whose password or token is a marker: it is in nothing that they print or keep.

The stores are a PostgreSQL server and an MLflow server behind a door that asks for a password.
"""

from __future__ import annotations

import base64
import http.client
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.engine import URL, make_url

from harness.diagnostics.consistency import examine_studies, repair_stores
from harness.reporting.pages.study import write_report
from harness.reporting.results.load import load_results
from harness.tracking.stores.layout import Layout, Stores
from harness.tracking.ui.server import free_port, running_server, ui_command
from tests.reliability.conftest import SPEC, BothStores
from tests.support.stores import copy_stores

pytestmark = pytest.mark.slow

CANARY = "c4n4ryPassw0rd"


@pytest.fixture
def role() -> Iterator[tuple[URL, URL]]:
    """Two databases of a role whose password is the marker; all is dropped at the end."""
    server = os.environ.get("HARNESS_TEST_POSTGRES")
    if not server:
        pytest.skip("HARNESS_TEST_POSTGRES does not name a PostgreSQL server; .ci/run starts one")
    name = f"canary_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(
        server, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool
    )

    def execute(*statements: str) -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sqlalchemy.text(statement))

    execute(
        f"CREATE ROLE {name} LOGIN PASSWORD '{CANARY}'",
        f"CREATE DATABASE {name}_1 OWNER {name}",
        f"CREATE DATABASE {name}_2 OWNER {name}",
    )
    url = make_url(server).set(username=name, password=CANARY)
    yield url.set(database=f"{name}_1"), url.set(database=f"{name}_2")
    execute(
        f"DROP DATABASE {name}_1 WITH (FORCE)",
        f"DROP DATABASE {name}_2 WITH (FORCE)",
        f"DROP ROLE {name}",
    )


def rows(url: URL) -> str:
    """All that a database holds, as text."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    names = sqlalchemy.inspect(engine).get_table_names()
    with engine.connect() as connection:
        found = [
            connection.execute(sqlalchemy.text(f'SELECT * FROM "{name}"')).all() for name in names
        ]
    return repr(found)


def files(folder: Path) -> dict[str, str]:
    """All that lies below ``folder``, archives and databases as they are."""
    return {
        str(path): path.read_bytes().decode("latin-1")
        for path in folder.rglob("*")
        if path.is_file()
    }


def check(texts: dict[str, str]) -> None:
    """Fail if one of ``texts`` shows the marker, as it is or as HTTP sends it."""
    sent = base64.b64encode(f"me:{CANARY}".encode()).decode()
    assert [name for name, text in texts.items() if CANARY in text or sent in text] == []


def descendants(pid: int) -> Iterator[int]:
    """The processes that ``pid`` and its children have started."""
    try:
        found = [
            int(child)
            for path in Path(f"/proc/{pid}/task").glob("*/children")
            for child in path.read_text().split()
        ]
    except OSError:
        return
    for child in found:
        yield child
        yield from descendants(child)


def command_line(pid: int) -> str:
    """What ``pid`` was started with, as every user of the machine sees it."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@contextmanager
def noted_command_lines(pid: int, noted: set[str]) -> Iterator[None]:
    """Add to ``noted`` the command line of all that ``pid`` starts, as others see it.

    A child that has not begun its own program yet has the command line of its parent, which is
    what the test itself gave to ``pid``.
    """
    over, given = threading.Event(), command_line(pid)

    def note() -> None:
        while not over.wait(0.05):
            for child in descendants(pid):
                with suppress(OSError):
                    noted.add(command_line(child))
        noted.discard(given)

    thread = threading.Thread(target=note)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def run(folder: Path, *arguments: str, **variables: str) -> tuple[str, set[str]]:
    """All that a command prints, and the command lines of what it starts."""
    noted: set[str] = set()
    said = ""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "HARNESS_MLRUNS": str(folder / "mlruns"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            with noted_command_lines(process.pid, noted):
                if arguments[0] == "harness.ui":
                    said = _until(process, "All studies are at")
                    process.send_signal(signal.SIGINT)
                said += process.communicate(timeout=500)[0]
        finally:
            process.terminate()  # if it was not waited for to its end
    assert process.returncode == 0, said
    return said, noted


def _until(process: subprocess.Popen[str], words: str) -> str:
    said = ""
    assert process.stdout is not None
    while words not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said


@pytest.mark.timeout(1_500)  # six commands, three of which load TensorFlow
def test_a_password_of_postgresql_is_in_nothing_that_a_study_leaves(
    role: tuple[URL, URL], tmp_path: Path
) -> None:
    """Given in the address, in its query, and by PGPASSWORD; to every command."""
    storage, tracking = role
    address = storage.render_as_string(hide_password=False)
    by_query = tracking.set(username=None, password=None).update_query_dict(
        {"user": str(tracking.username), "password": CANARY}
    )
    in_query = by_query.render_as_string(hide_password=False)
    bare = tracking.set(password=None).render_as_string(hide_password=False)
    stores = {"HARNESS_STORAGE": address, "HARNESS_TRACKING_URI": in_query}
    texts: dict[str, str] = {}
    started: set[str] = set()
    for arguments, variables in [
        (("harness.study", "--smoke", "--n-trials=2", "--workers=2"), stores),
        (("harness.trial", "--smoke", f"--storage={address}", f"--tracking-uri={in_query}"), {}),
        (("harness.report", "quickstart-smoke", f"--tracking-uri={in_query}"), {}),
        (("harness.report", "quickstart-smoke", f"--tracking-uri={bare}"), {"PGPASSWORD": CANARY}),
        (("harness.doctor", "--repair", "--json"), stores),
        (
            ("harness.ui", f"--tracking-uri={in_query}", f"--port={free_port('127.0.0.1', None)}"),
            {},
        ),
    ]:
        texts[f"output {len(texts)}"], noted = run(tmp_path, *arguments, **variables)
        started |= noted
    assert any("spawn_main" in line for line in started)  # the workers
    assert any("mlflow server" in line for line in started)
    texts["command lines"] = "\n".join(started)
    texts |= {"Optuna": rows(storage), "MLflow": rows(tracking), **files(tmp_path)}
    assert "fid" in texts["MLflow"]
    assert any(name.endswith("environment.json") for name in texts)
    assert any(name.endswith("runs.csv") for name in texts)
    check(texts)


class _Door(http.server.BaseHTTPRequestHandler):
    """Hands on to the MLflow server what comes with the right ``Authorization``."""

    server: _GuardedServer

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = self.headers.get("Authorization")
        if given not in self.server.allowed and self.path != "/health":
            self.server.refused.append(self.path)
            self.send_error(401, "wrong password or token")
            return
        inner = http.client.HTTPConnection("127.0.0.1", self.server.inner_port, timeout=60)
        kept = ("content-type", "accept")
        headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
        inner.request(self.command, self.path, body, headers)
        answer = inner.getresponse()
        content = answer.read()
        inner.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type") or "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _hand_on

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _GuardedServer(http.server.ThreadingHTTPServer):
    """An MLflow server that asks for a token, or for a user and a password."""

    def __init__(self, inner_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.inner_port = inner_port
        basic = base64.b64encode(f"me:{CANARY}".encode()).decode()
        self.allowed = (f"Bearer {CANARY}", f"Basic {basic}")
        self.refused: list[str] = []


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, empty_stores: Layout
) -> Iterator[tuple[_GuardedServer, Path]]:
    """The server, and the folder of what it keeps."""
    layout = copy_stores(empty_stores, tmp_path_factory.mktemp("server") / "mlruns")
    port = free_port("127.0.0.1", None)
    with (
        running_server(layout.tracking_uri, layout, "127.0.0.1", port),
        _GuardedServer(port) as server,
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server, layout.root
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("way", ["address", "token", "user and password"])
def test_a_secret_of_an_mlflow_server_is_in_nothing_that_a_study_leaves(
    guarded: tuple[_GuardedServer, Path],
    way: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server, kept = guarded
    host = f"127.0.0.1:{server.server_port}"
    uri = f"http://me:{CANARY}@{host}" if way == "address" else f"http://{host}"
    if way == "token":
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", CANARY)
    elif way == "user and password":
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", CANARY)
    spec = SPEC.replace(name=f"by-{way.replace(' ', '-')}")
    stores = BothStores(f"sqlite:///{tmp_path}/optuna.db", uri, tmp_path / "unused")
    stores.run({}, spec)
    assert len(stores.check_equal(spec)) == 3
    stores.close()
    write_report(load_results(uri, spec.name), tmp_path / "report")
    both = Stores(Layout(tmp_path), f"sqlite:///{tmp_path}/optuna.db", uri)
    findings = [*examine_studies(both), *repair_stores(both)]
    texts = {**files(tmp_path), **files(kept), "findings": repr(findings)}
    texts["stdout"], texts["stderr"] = capfd.readouterr()
    texts["command"] = ui_command(uri)
    assert any(name.endswith("runs.csv") for name in texts)
    check(texts)
    assert "View run" not in texts["stdout"]  # nothing but the harness's own lines
    assert server.refused == []


def test_a_wrong_secret_of_an_mlflow_server_is_not_shown(
    guarded: tuple[_GuardedServer, Path], tmp_path: Path
) -> None:
    server, _ = guarded
    host = f"127.0.0.1:{server.server_port}"
    began = time.monotonic()
    for user in (f"me:wrong-{CANARY}", f"wrong-{CANARY}"):
        with pytest.raises(Exception, match="401") as caught:
            BothStores(f"sqlite:///{tmp_path}/optuna.db", f"http://{user}@{host}", tmp_path)
        check({"error": str(caught.value)})
        server.refused.clear()
    assert time.monotonic() - began < 60
