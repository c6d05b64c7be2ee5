"""Addresses for --storage and --tracking-uri: a store that answers, or one line, and no files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harness.report import report
from harness.search.study.storage import open_storage
from harness.tracking.stores import databases as stores
from harness.tracking.stores.databases import prepare_tracking_store
from harness.tracking.stores.mlflow_server import is_server_uri
from tests.support.wrong_input import (
    cases,
    check_refusal,
    content_of,
    pass_door,
    refused_in_one_line,
)

SECRET = "s3cr3t-w0rd"
schemes = st.sampled_from(
    [
        "sqlite",
        "http",
        "https",
        "postgresql",
        "postgresql+psycopg",
        "mysql",
        "file",
        "",
        "oracle",
        "postgresql+nothing",
        "HTTP",
        "sqlite+pysqlite",
        "sqlite+aiosqlite",
        "mssql",
    ]
)
# 0.0.0.1 has no route: no name is looked up and nobody is called.
hosts = st.sampled_from(
    [
        "",
        "127.0.0.1",
        "[::1]",
        "[",
        "[::1",
        "x" * 64 + ".0",
        "..",
        "127.0.0.1:",
        "ü\0",
        "127.0.0.1@",
    ]
)
ports = st.one_of(st.just(""), st.sampled_from([":1", ":0", ":99999", ":-1", ":x", ":1e3", ":٣"]))
tails = st.one_of(
    st.text(max_size=6).map("/".__add__),
    st.sampled_from(["", "/", "//", "/a?b=c", "/?connect_timeout=x", "/x?mode=ro", "/%zz", "/a#b"]),
)
users = st.sampled_from(
    ["", f"me:{SECRET}@", f":{SECRET}@", f"me:{SECRET}/@", "@", f"a@b:{SECRET}@"]
)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Text in the form of a URL, seldom a good one."""
    sign = draw(st.sampled_from(["://", "://", "://", ":/", ":", ""]))
    return "".join([draw(schemes), sign, draw(users), draw(hosts), draw(ports), draw(tails)])


@contextmanager
def empty_folder() -> Iterator[Path]:
    """An empty folder to work in, and little patience with servers."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.chdir(name)
        patch.setattr(stores, "_CONNECT_SECONDS", 0.2)
        yield Path(name)


@cases(2)
@given(url=st.one_of(addresses(), st.text(max_size=20)))
@example("http://[")
@example("http://127.0.0.1:x/")
@example(f"postgresql+psycopg://me:{SECRET}@{'x' * 64}.0/db")
def test_an_address_is_refused_in_one_line_or_used(url: str) -> None:
    assume(not url.startswith("sqlite:////"))  # anywhere on this disk
    with empty_folder() as folder:
        for use in (open_storage, lambda uri: prepare_tracking_store(uri, folder)):
            before = content_of(folder)
            with refused_in_one_line(without=SECRET):
                use(url)
                continue
            assert content_of(folder) == before


@cases()
@given(url=addresses())
def test_the_report_door_answers_for_any_address(url: str) -> None:
    assume(not is_server_uri(url) and "\0" not in url)
    with empty_folder() as folder:
        code, _, complaint = pass_door(report, "slopes", f"--tracking-uri={url}")
        check_refusal(code, complaint)
        assert SECRET not in complaint
        assert content_of(folder) == {}
