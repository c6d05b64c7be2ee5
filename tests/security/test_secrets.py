"""No password and no token is shown, however it was given and whoever quotes it."""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import doctor
from harness.cli.app import open_door
from harness.core.errors import InputError
from harness.core.secrets import hide_passwords, mask
from harness.core.spec.study_spec import StudySpec
from harness.diagnostics import machine
from harness.report import report
from harness.search.plan import StudyPlan
from harness.search.workers import worker
from harness.search.workers.executors import Job
from harness.study import study
from harness.tracking.failures import failure_reason
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores import databases as stores
from harness.tracking.stores.layout import Layout
from harness.trial import trial
from harness.ui import ui
from tests.support.wrong_input import cases, pass_door

CANARY = "c4n4ry-T0KEN"
SECRET_VARIABLES = (
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "PGPASSWORD",
)
servers = st.sampled_from(["http", "https", "HTTP", "postgresql", "postgresql+psycopg", "mysql"])
hosts = st.sampled_from(["127.0.0.1:1", "host", "[::1]:5000", "h.example.org/db", "h/d?sslmode=x"])
keys = st.sampled_from(["password", "passwd", "PWD", "sslpassword", "token", "pass%77ord"]) | (
    st.sampled_from(["access_token", "api_key", "client_secret", "sslkey", "Password", "%74oken"])
)
# What stands in a password besides the marker: above all what separates the parts of an address.
pieces = st.one_of(st.text(max_size=6), st.text("@:/?#&=;%+ '\"\\", max_size=4))
hidden = st.builds("{}{}{}".format, pieces, st.just(CANARY), pieces)


def one_line(text: str) -> bool:
    return len(text.splitlines()) == 1


@st.composite
def addresses(draw: st.DrawFn, in_text: bool = False) -> str:
    """An address with the marker in its password, in place of a user, or in its query.

    ``in_text``: without white space, where an address ends if more text follows.
    """
    scheme, host, secret = draw(servers), draw(hosts), draw(hidden)
    secret = "".join(secret.split()) if in_text else secret
    where = draw(st.sampled_from(["password", "user", "query"]))
    if where == "password":
        user = draw(st.one_of(st.sampled_from(["", "me", "a.b"]), st.text(max_size=4)))
        user = "".join(user.split()) if in_text else user
        return f"{scheme}://{user}:{secret}@{host}"
    if where == "user":
        secret = secret.replace(":", "")  # else its first part is a name
        return f"{draw(st.sampled_from(['http', 'https', 'ftp', '']))}://{secret}@{host}"
    secret = secret.replace("&", "")  # which begins another key, for every library
    sign = "&" if "?" in host else "?"
    after = draw(st.sampled_from(["", "&user=me", "&sslmode=require&token=x"]))
    return f"{scheme}://{host}{sign}{draw(keys)}={secret}{after}"


@cases(2)
@given(addresses())
def test_no_address_shows_its_secret(url: str) -> None:
    assert CANARY not in mask(url)
    assert mask(mask(url)) == mask(url)


@cases(2)
@given(
    addresses(in_text=True).filter(one_line),
    st.sampled_from(["API request to {} failed", "{}", "could not open '{}': no route\nmore {}"]),
)
def test_no_message_shows_the_secret_of_an_address_in_it(url: str, message: str) -> None:
    assert CANARY not in hide_passwords(message.format(url, url))


@cases(2)
@given(st.sampled_from(["password", "passwd", "sslpassword", "PGPASSWORD", "token"]), hidden)
def test_no_message_shows_a_quoted_value_of_a_connection(name: str, secret: str) -> None:
    quoted = secret.replace("\\", "\\\\").replace("'", "\\'")
    said = hide_passwords(f"invalid dsn: host=h {name} = '{quoted}' port=1")
    assert CANARY not in said
    assert said.startswith("invalid dsn: host=h ")
    assert said.endswith(" port=1")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:p@SECRET@127.0.0.1:1", "http://user:***@127.0.0.1:1"),
        ("http://TOKEN@h:5000/x", "http://***@h:5000/x"),
        ("http://TOKEN:@h", "http://***@h"),
        ("http://h:5000", "http://h:5000"),
        ("postgresql://me@h/db", "postgresql://me@h/db"),
        (
            "postgresql://me:pw@h:5432/db?sslmode=require",
            "postgresql://me:***@h:5432/db?sslmode=require",
        ),
        (
            "postgresql://h/x?user=u&password=S&sslmode=a",
            "postgresql://h/x?user=u&password=***&sslmode=a",
        ),
        ("postgresql://h/x?user=u&pass%77ord=S", "postgresql://h/x?user=u&pass%77ord=***"),
        ("postgresql://h/x?user=u&password=a@b", "postgresql://***"),
        ("mysql://u:a/b?c#d@h/x", "mysql://u:***@h/x"),
        ("//me:pw@host", "//me:***@host"),
        ("me:pw@host", "me:***@host"),
        ("http:me:pw@host", "http:***@host"),
        ("sqlite:////srv/me@work/a.db", "sqlite:////srv/me@work/a.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("", ""),
    ],
)
def test_what_is_shown_of_an_address(url: str, shown: str) -> None:
    assert mask(url) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no role me: sure", "no role me: sure"),
        (
            "from postgresql://a:x@h/d to mysql://b:y@h",
            "from postgresql://a:***@h/d to mysql://b:***@h",
        ),
        ("GET http://h:1/x?token=t: refused", "GET http://h:1/x?token=*** refused"),
        ("http://h:1/x: no user me@h", "http://h:1/x: no user me@h"),
        ("http://h: no user me@h", "http://h: no user me@h"),
        ("mysql://a:b@h/x: no user 'me@h'", "mysql://a:***@h/x: no user 'me@h'"),
        ("at http://me:a b@h: refused", "at http://me:***@h: refused"),
        ("{'Authorization': 'Bearer abc'}", "{'Authorization': ***}"),
        ("Authorization: Basic bWU6cHc= sent", "Authorization: *** sent"),
        ("KeyError: 'fid'", "KeyError: 'fid'"),
        (
            'password authentication failed for user "me"',
            'password authentication failed for user "me"',
        ),
        ("http://h:1/a: Connection refused", "http://h:1/a: Connection refused"),
    ],
)
def test_what_is_shown_of_a_message(text: str, shown: str) -> None:
    assert hide_passwords(text) == shown


@pytest.mark.parametrize(
    "name", ["MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "PGPASSWORD"]
)
def test_no_message_shows_a_secret_of_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"{CANARY}\n")  # as `$(cat FILE)` would not, but an env file may
    said = hide_passwords(f"Invalid character in header value: 'Bearer {CANARY}\\n'")
    assert said == "Invalid character in header value: 'Bearer ***\\n'"


def test_a_long_text_is_read_once() -> None:
    """Twice the text may not take four times as long; here it would be minutes."""
    text = "x" * 200_000 + " " + "password" * 20_000
    assert hide_passwords(text) == text


@pytest.fixture
def port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[list[str]]:
    """The marker in each variable that may hold a secret; the texts that must not show it.

    Afterwards it is in none of them, in no output of this process and in no file.
    """
    for name in SECRET_VARIABLES:
        monkeypatch.setenv(name, CANARY)
    for name in ("find_devices", "find_digits"):  # which need no store, and take long
        monkeypatch.setattr(machine, name, list)
    monkeypatch.setattr(machine, "find_mnist", lambda folder: [])
    monkeypatch.setattr(stores, "_CONNECT_SECONDS", 0.5)
    monkeypatch.setenv("HARNESS_MLRUNS", str(tmp_path / "mlruns"))
    monkeypatch.setenv("COLUMNS", "9999")  # a table's cell that is wrapped could hide the marker
    monkeypatch.chdir(tmp_path)
    texts: list[str] = []
    yield texts
    texts += capfd.readouterr()
    texts += [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert [text for text in texts if CANARY in text] == []


COMMANDS = {"study": study, "trial": trial, "report": report, "doctor": doctor.doctor, "ui": ui}
OPENS_STORAGE = ("study", "trial", "doctor")
ADDRESSES = [
    f"postgresql+psycopg://me:{CANARY}@127.0.0.1:PORT/x",
    f"postgresql+psycopg://me:p@{CANARY}@127.0.0.1:PORT/x",
    f"postgresql+psycopg://127.0.0.1:PORT/x?user=u&password={CANARY}",
    f"postgresql+psycopg://127.0.0.1:PORT/x?user=u&%70assword={CANARY}",
    f"postgresql+psycopg://me:a/{CANARY}@127.0.0.1:PORT/x",
    f"postgresql+psycopg://me:x%0A{CANARY}\n@127.0.0.1:PORT/x",
    f"postgresql+psycopg://me:a {CANARY}@127.0.0.1:PORT/x",
    f"mysql://me:{CANARY}@127.0.0.1:PORT/x",
    f"oracle://{CANARY}@127.0.0.1:PORT/x",
    f"sqlite:///runs.db?password={CANARY}",
    f"//me:{CANARY}@host",
    f"me:{CANARY}@host",
]
SERVERS = [
    f"http://me:{CANARY}@127.0.0.1:PORT",
    f"http://me:p@{CANARY}@127.0.0.1:PORT",
    f"https://{CANARY}@127.0.0.1:PORT",
    f"http://127.0.0.1:PORT/?access_token={CANARY}",
    f"http://me:x\n{CANARY}@127.0.0.1:PORT",
    f"http://me:{CANARY}@127.0.0.1:port",
]


@pytest.mark.parametrize("door", COMMANDS)
@pytest.mark.parametrize("by", ["option", "variable"])
def test_no_command_shows_the_secret_of_a_store_that_does_not_answer(
    door: str, by: str, everywhere: list[str], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ["slopes"] if door == "report" else []
    for option, url in [
        *[("--tracking-uri", url) for url in (*SERVERS, *ADDRESSES)],
        *[("--storage", url) for url in ADDRESSES if door in OPENS_STORAGE],
    ]:
        if option == "--tracking-uri" and door in ("study", "trial"):
            continue  # they ask it after TensorFlow has been loaded: below, without that
        address = url.replace("PORT", str(port))
        if by == "option":
            arguments = [f"{option}={address}"]
        else:
            arguments = []
            monkeypatch.setenv(f"HARNESS_{option[2:].upper().replace('-', '_')}", address)
        code, said, complaint = pass_door(COMMANDS[door], *named, *arguments)
        monkeypatch.delenv("HARNESS_TRACKING_URI", raising=False)
        monkeypatch.delenv("HARNESS_STORAGE", raising=False)
        assert code == (1 if door == "doctor" else 2), complaint
        assert "***" in said + complaint
        everywhere += [said, complaint]


def test_no_tracker_shows_the_secret_of_a_store_that_does_not_answer(
    everywhere: list[str], port: int, tmp_path: Path
) -> None:
    for url in (*SERVERS, *ADDRESSES):
        with pytest.raises(InputError) as caught:
            MlflowTracker(url.replace("PORT", str(port)), tmp_path)
        everywhere += traceback.format_exception(caught.value)


@pytest.mark.parametrize("door", COMMANDS)
def test_no_command_shows_an_address_in_the_wrong_place(door: str, everywhere: list[str]) -> None:
    address = f"postgresql://me:{CANARY}@host/db"
    for arguments in (
        ["a", "b", address],
        [address],
        [f"--stroage={address}"],
        [f"--port={address}"],
        [f"--workers={address}"],
        [f"--study-name={address}"],
        [f"--set={address}"],
        [f"--executor={address}"],
    ):
        code, said, complaint = pass_door(COMMANDS[door], *arguments)
        assert code == 2
        everywhere += [said, complaint]


def _break() -> None:
    """A defect whose cause quotes addresses, as MLflow and the drivers do."""
    try:
        raise RuntimeError(f"API request to http://me:{CANARY}@host/api failed: token={CANARY}")
    except RuntimeError as error:
        raise ValueError(f"dsn password='{CANARY}'") from error


def test_the_traceback_of_a_defect_shows_no_secret(
    everywhere: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # as it was, afterwards
    complained = io.StringIO()
    with pytest.raises(ValueError, match="dsn") as caught:
        open_door(_break, [])
    with contextlib.redirect_stderr(complained):
        sys.excepthook(caught.type, caught.value, caught.tb)
    assert complained.getvalue().startswith("Traceback")
    assert complained.getvalue().endswith("ValueError: dsn password=***\n")
    assert "http://me:***@host/api" in complained.getvalue()
    everywhere.append(complained.getvalue())


def test_a_worker_reports_no_secret(
    everywhere: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(worker, "StudyWorker", lambda *_, **__: _break())
    layout = Layout(tmp_path)
    plan = StudyPlan(StudySpec(name="s", question="?"), layout, layout.storage_url, "unused")
    ended = worker.serve(Job(plan, 1, 0), lambda event: None)
    everywhere += [ended.defect, str(ended.error)]


def test_the_reason_of_a_failure_shows_no_secret(everywhere: list[str]) -> None:
    long = f"http://me:{'x' * 250}{CANARY}@host failed"
    for text in (long, f"http://{CANARY}@host: 500", f"?token={CANARY}"):
        reason = failure_reason(ValueError(f"API request to {text}"))
        assert "***" in reason
        everywhere.append(reason)
