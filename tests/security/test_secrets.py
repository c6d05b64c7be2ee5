"""No password and no token is shown, however it was given and whoever quotes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.secrets import hide_passwords, mask
from tests.support.wrong_input import cases

CANARY = "c4n4ry-T0KEN"
servers = st.sampled_from(["http", "https", "HTTP", "postgresql", "postgresql+psycopg", "mysql"])
hosts = st.sampled_from(["127.0.0.1:1", "host", "[::1]:5000", "h.example.org/db", "h/d?sslmode=x"])
keys = st.sampled_from(
    (
        "password passwd PWD Password sslpassword token access_token api_key client_secret sslkey "
        "pass%77ord %74oken"
    ).split()
)
# What stands in a password besides the marker: above all what separates the parts of an address.
pieces = st.one_of(st.text(max_size=6), st.text("@:/?#&=;%+ '\"\\", max_size=4))
hidden = st.builds("{}{}{}".format, pieces, st.just(CANARY), pieces)


def one_line(text: str) -> bool:
    return len(text.splitlines()) == 1


@st.composite
def addresses(draw: st.DrawFn, in_text: bool = False) -> str:
    """An address with the marker in its password, in place of a user, or in its query.

    ``in_text``: without white space in the query, where an address ends if more text follows.
    """
    scheme, host, secret = draw(servers), draw(hosts), draw(hidden)
    where = draw(st.sampled_from(["password", "user", "query"]))
    if where == "password":
        user = draw(st.one_of(st.sampled_from(["", "me", "a.b"]), st.text(max_size=4)))
        return f"{scheme}://{user}:{secret}@{host}"
    if where == "user":
        secret = secret.replace(":", "")  # else its first part is a name
        return f"{draw(st.sampled_from(['http', 'https', 'ftp', '']))}://{secret}@{host}"
    secret = secret.replace("&", "")  # which begins another key, for every library
    secret = "".join(secret.split()) if in_text else secret
    sign = "&" if "?" in host else "?"
    after = draw(st.sampled_from(["", "&user=me", "&sslmode=require&token=x"]))
    return f"{scheme}://{host}{sign}{draw(keys)}={secret}{after}"


@cases(5)
@given(addresses())
def test_no_address_shows_its_secret(url: str) -> None:
    assert CANARY not in mask(url)
    assert mask(mask(url)) == mask(url)


@cases(5)
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
