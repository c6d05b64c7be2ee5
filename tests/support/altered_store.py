"""A recorded store with one entry changed, as somebody who may write to the store can change it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from harness.report import report
from harness.tracking.stores.layout import Layout
from tests.support.wrong_input import check_refusal, numbers, pass_door, texts

ARCHIVE = Path(__file__).parents[1] / "end_to_end" / "earlier_studies.tar.xz"
"""The studies "earlier" (a search with its confirmation) and "earlier_arms", without training."""

SCRIPT = "<script>alert(1)</script>"
IMAGE = "\"'><img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class RawText:
    """Bytes that the database holds as text, whether they are UTF-8 or not."""

    content: bytes


def unpack(folder: Path) -> Layout:
    """The recorded studies, in ``folder``."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return Layout(folder / "mlruns")


def execute(layout: Layout, statement: str, *values: Any) -> int:
    """The number of rows that ``statement`` changed in MLflow's tables, no constraint checked."""
    with closing(sqlite3.connect(layout.root / "mlflow.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        plain = [value.content if isinstance(value, RawText) else value for value in values]
        return connection.execute(statement, plain).rowcount


def query(layout: Layout, statement: str) -> list[Any]:
    with closing(sqlite3.connect(layout.root / "mlflow.db")) as connection:
        return connection.execute(statement).fetchall()


def study_run(layout: Layout, study: str) -> str:
    """The id of the run that stands for the study."""
    return str(_runs(layout, study, "study")[0])


def trial_run(layout: Layout, study: str, number: int = 0) -> str:
    """The id of the run of the study's first completed trial, or of a later one."""
    done = query(layout, "SELECT run_uuid FROM runs WHERE status = 'FINISHED'")
    return [str(run) for run in _runs(layout, study, "trial") if (run,) in done][number]


def trial_runs(layout: Layout, study: str) -> list[str]:
    """The ids of the runs of all trials, in the order of their start."""
    return _runs(layout, study, "trial")


def _runs(layout: Layout, study: str, kind: str) -> list[Any]:
    rows = query(
        layout,
        "SELECT r.run_uuid FROM runs r JOIN tags t ON r.run_uuid = t.run_uuid JOIN experiments e "
        f"ON r.experiment_id = e.experiment_id WHERE e.name = '{study}' AND t.key = 'kind' "
        f"AND t.value = '{kind}' ORDER BY r.start_time",
    )
    return [run for (run,) in rows]


def artifact(layout: Layout, study: str, name: str) -> Path:
    """An artifact of the study's own run."""
    return layout.artifact_root / study / study_run(layout, study) / "artifacts" / name


COLUMNS = (
    *(("runs", name) for name in ("run_uuid", "status", "start_time", "end_time", "name")),
    *(("runs", name) for name in ("artifact_uri", "experiment_id", "lifecycle_stage")),
    *((table, name) for table in ("tags", "params") for name in ("key", "value", "run_uuid")),
    *(("metrics", name) for name in ("key", "value", "timestamp", "step", "is_nan", "run_uuid")),
    *(("latest_metrics", name) for name in ("key", "value", "timestamp", "step", "is_nan")),
    *(("experiments", name) for name in ("name", "artifact_location", "lifecycle_stage")),
)

HOSTILE = [
    *("", "nan", "inf", "-inf", "1e999", "²", "9" * 5_000, "-1", "None", "outcome", "run_id"),
    *("params.images", b"0.5"),
    *(SCRIPT, IMAGE, "$\\frac{", "=1+1", "x" * 20_000, "{{ 7 * 7 }}", "\0", "\ud7ff", "a\nb"),
    *(
        "http://127.0.0.1:9/x",
        "file:///etc",
        "s3://bucket/x",
        "sftp://h/x",
        "runs:/x/y",
        "hdfs://h/x",
    ),
    *(b"\xff\xfe", 2**63 - 1, -(2**63), 1e308, -1e308, 5e-324, 2**53 + 1, 1.5, -1.5, None),
    RawText(b"\xff\xfe<b>"),
]
values = st.one_of(
    st.sampled_from(HOSTILE),
    texts,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=6),
    st.none(),
)


def change_cell(layout: Layout, study: str, column: tuple[str, str], row: int, value: Any) -> None:
    """Give one cell of the study or its confirmation the value, if the database's keys allow it."""
    table, name = column
    named = f"SELECT experiment_id FROM experiments WHERE name IN ('{study}', '{study}-confirm')"
    where = f"experiment_id IN ({named})"
    if table not in ("runs", "experiments"):
        where = f"run_uuid IN (SELECT run_uuid FROM runs WHERE {where})"
    rows = query(layout, f"SELECT rowid FROM {table} WHERE {where} ORDER BY rowid")
    with suppress(sqlite3.IntegrityError, OverflowError):
        statement = f"UPDATE {table} SET {name} = {_as_stored(value)} WHERE rowid = ?"
        execute(layout, statement, value, *rows[row % len(rows)])


def _as_stored(value: Any) -> str:
    return "CAST(? AS TEXT)" if isinstance(value, RawText) else "?"


class RunEntry(NamedTuple):
    """A column of one row of a run, of the first one with that ``key`` where a table has keys."""

    table: str
    column: str
    key: str = ""


def change_runs(
    connection: sqlite3.Connection, runs: Sequence[str], entry: RunEntry, values: Sequence[Any]
) -> list[tuple[Any, Any]]:
    """Give the ``entry`` of each of the ``runs`` one of the ``values``, as far as keys allow it.

    Returns (run_id, value) of each, as the database holds them then.
    """
    connection.execute("PRAGMA ignore_check_constraints = ON")
    rows = [_row(connection, entry, run) for run in runs]
    for run, row, value in zip(runs, rows, values, strict=True):
        _change_row(connection, entry, run, row, value)
    select = f"SELECT run_uuid, {entry.column} FROM {entry.table} WHERE rowid = ?"
    return [connection.execute(select, (row,)).fetchone() for row in rows]


def _row(connection: sqlite3.Connection, entry: RunEntry, run: str) -> int:
    """The row of the run's entry, a new one if the run has none with that key."""
    which = f" AND key = '{entry.key}'" if entry.key else ""
    select = f"SELECT min(rowid) FROM {entry.table} WHERE run_uuid = ?{which}"
    (row,) = connection.execute(select, (run,)).fetchone()
    if row is None:
        more, zeros = (", timestamp", ", 0") if entry.table == "metrics" else ("", "")
        insert = f"INSERT INTO {entry.table} (run_uuid, key, value{more}) VALUES (?, ?, 0{zeros})"
        row = connection.execute(insert, (run, entry.key)).lastrowid
    return int(row)


def _change_row(
    connection: sqlite3.Connection, entry: RunEntry, run: str, row: int, value: Any
) -> None:
    new = value.content if isinstance(value, RawText) else value
    update = f"UPDATE {{}} SET {entry.column} = {_as_stored(value)} WHERE {{}} = ?"
    with suppress(sqlite3.IntegrityError, OverflowError):
        connection.execute(update.format(entry.table, "rowid"), (new, row))
        if entry == RunEntry("runs", "run_uuid"):  # whose rows in other tables go with it
            for table in ("tags", "params", "metrics"):
                connection.execute(update.format(table, "run_uuid"), (new, run))


tokens = st.one_of(
    st.sampled_from(
        [
            *(
                "NaN",
                "Infinity",
                "1e999",
                "9" * 400,
                "-" + "9" * 60,
                '"\\ud800"',
                "[" * 99 + "]" * 99,
            ),
            *("[" * 5_000 + "]" * 5_000, '{"a":' * 50 + "1" + "}" * 50, json.dumps(SCRIPT), "null"),
            *(json.dumps(IMAGE), "[]", "{}", "true", "", "{", json.dumps("x" * 3_000)),
        ]
    ),
    st.recursive(
        st.one_of(texts, numbers, st.none(), st.booleans()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2), st.dictionaries(texts, inner, max_size=2)
        ),
        max_leaves=4,
    ).map(lambda value: json.dumps(value)),
)
JSON_FILES = ("study.json", "evaluation.json", "untrained.json", "environment.json", "pixels.json")


def change_json(path: Path, position: int, token: str) -> None:
    """Put ``token`` in place of one value of the file, or of the whole file."""
    document = json.loads(path.read_text("utf-8"))
    places = [(None, None), *_places(document)]
    holder, key = places[position % len(places)]
    if holder is None:
        path.write_text(token, "utf-8")
        return
    holder[key] = "@@"
    path.write_text(json.dumps(document).replace('"@@"', token), "utf-8")


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in the document."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in list(keys):
        yield node, key
        yield from _places(node[key])


def check_report(layout: Layout, study: str, output: Path) -> str:
    """The page of the study; or the line by which the report was refused, and nothing written."""
    shutil.rmtree(output, ignore_errors=True)
    arguments = (f"--tracking-uri={layout.tracking_uri}", f"--output={output}")
    code, _, complaint = pass_door(report, study, *arguments)
    if code:
        check_refusal(code, complaint)
        assert not output.exists() or not list(output.iterdir())
        return complaint
    page = (output / "index.html").read_text("utf-8")
    check_escaped(page)
    json.loads((output / "study.json").read_text("utf-8"), parse_constant=pytest.fail)
    return page


def check_escaped(page: str) -> None:
    """No markup of a store stands in the page: its one script, if it has one, is the project's."""
    own = (resources.files("harness.reporting") / "templates" / "study.js").read_text("utf-8")
    assert "<script" not in page.replace(f"<script>{own}</script>", "", 1).lower()
    assert "<img src=x" not in page.lower()
    assert 'src="http' not in page.lower()
