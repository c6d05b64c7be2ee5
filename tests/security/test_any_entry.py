"""Any entry of a store may become anything: each kind of entry is taken, what it becomes is drawn.

A run with an entry that cannot be is left out and named, and no other run is. Whatever the change,
a page is written, or one line says why not.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from harness.core.config import parse_value
from harness.core.errors import InputError
from harness.reporting.pages import study as page_module
from harness.reporting.pages.claims import write_claims
from harness.reporting.pages.study import write_report
from harness.reporting.parts import verdicts
from harness.reporting.results.database import DatabaseRuns
from harness.reporting.results.load import load_recorded
from harness.reporting.results.stored_runs import StoredRun, check_run, readable_runs
from harness.reporting.results.tables import RESERVED, UnreadableRun
from harness.tracking.stores.layout import Layout
from tests.security.conftest import draw_only, restore
from tests.support import altered_store as store
from tests.support.altered_store import RunEntry
from tests.support.wrong_input import VARIABLE, cases, check_line, refused_in_one_line

STUDY = "earlier"
NUM_RUNS = 11
"""The trials of STUDY, each of which is given a value of its own."""


def whole(most: int) -> Callable[[Any], bool]:
    """A whole number from 0 to ``most``."""
    return lambda value: isinstance(value, int) and 0 <= value <= most


def text(value: Any) -> bool:
    """Text of the length that is shown."""
    return isinstance(value, str) and len(value) <= 10_000


def param(name: str) -> Callable[[Any], bool]:
    """What ``--set`` takes for the field ``name``."""

    def fits(value: Any) -> bool:
        try:
            parse_value(name, value)
        except InputError:
            return False
        return True

    return lambda value: text(value) and fits(value)


def run_id(value: Any) -> bool:
    """A name that is one part of a path."""
    is_text = isinstance(value, str) and 1 <= len(value) <= 256
    return is_text and all(c.isascii() and (c.isalnum() or c in "-_") for c in value)


def trial_number(value: Any) -> bool:
    """Nine digits at most."""
    is_text = isinstance(value, str) and 1 <= len(value) <= 9
    return is_text and all(c in "0123456789" for c in value)


def status(value: Any) -> bool:
    """A word of MLflow's."""
    return value in ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


def metric_name(value: Any) -> bool:
    """Printable, and no name of a column; the reader writes bytes as Python does."""
    name = str(value)
    return name.isprintable() and name not in RESERVED and not name.startswith("params.")


def metric_value(value: Any) -> bool:
    """A number whose fourth power is one; float32 ends at 3.4e38."""
    return isinstance(value, int | float) and abs(value) <= 1e50


milliseconds = whole(9_000_000_000_000)  # until the year 2255: pandas can tell time until 2262


class Entry(NamedTuple):
    """Where an entry of a run stands, by which words it is named, and whether it can be a value."""

    said: str
    place: RunEntry
    fits: Callable[[Any], bool]


FIELDS = ("learning_rate", "batch_size", "optimizer", "dataset")
"""A number, a whole one, a choice, and any text."""

ENTRIES = (
    Entry("run_id", RunEntry("runs", "run_uuid"), run_id),
    Entry("status", RunEntry("runs", "status"), status),
    Entry("start_time", RunEntry("runs", "start_time"), milliseconds),
    Entry("end_time", RunEntry("runs", "end_time"), lambda it: it is None or milliseconds(it)),
    Entry("trial_number", RunEntry("tags", "value", "trial_number"), trial_number),
    *(Entry(f"tag {tag}", RunEntry("tags", "value", tag), text) for tag in ("failure", "arm")),
    *(Entry(f"param {name}", RunEntry("params", "value", name), param(name)) for name in FIELDS),
    Entry("nothing", RunEntry("params", "key", "optimizer"), lambda it: True),  # of no field
    Entry("metric", RunEntry("metrics", "key", "fid"), metric_name),
    Entry("images_seen of metric fid", RunEntry("metrics", "step", "fid"), whole(10**15)),
    Entry("timestamp of metric fid", RunEntry("metrics", "timestamp", "fid"), milliseconds),
    Entry("metric fid", RunEntry("metrics", "value", "fid"), metric_value),
    Entry("metric fid", RunEntry("metrics", "is_nan", "fid"), lambda it: not it),
)
"""All that is read of a run of a trial, but for what says whose run it is."""


def with_hostile_values(test: Callable[..., None]) -> Callable[..., None]:
    """``test`` with examples that hold every hostile value, some for each run."""
    hostile = [*store.HOSTILE, *store.HOSTILE[:NUM_RUNS]]  # so that the last ones fill the runs too
    for start in range(0, len(store.HOSTILE), NUM_RUNS):
        test = example(values=hostile[start : start + NUM_RUNS])(test)
    return test


class Memory:
    """The recorded database in memory, which is altered and restored by what costs least."""

    def __init__(self, recorded: Layout) -> None:
        self.runs = store.trial_runs(recorded, STUDY)
        self._study_run = store.study_run(recorded, STUDY)
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.text_factory = lambda content: content.decode("utf-8", "replace")
        with closing(sqlite3.connect(recorded.root / "mlflow.db")) as source:
            source.backup(self._connection)
        engine = sa.create_engine("sqlite://", creator=lambda: self._connection)
        self._reader = DatabaseRuns(engine.connect())  # of which nothing is closed in between
        self._experiment = self._reader.studies()[STUDY]

    @contextmanager
    def changed(self, entry: RunEntry, values: Sequence[Any]) -> Iterator[list[tuple[Any, Any]]]:
        """(run_id, value) of each run, whose ``entry`` has one of ``values`` inside the block."""
        self._connection.execute("BEGIN")
        try:
            yield store.change_runs(self._connection, self.runs, entry, values)
        finally:
            self._connection.execute("ROLLBACK")

    def read(self) -> tuple[set[str], list[UnreadableRun]]:
        """The ids of the trials that are read, and those that are left out."""
        left_out: list[UnreadableRun] = []
        stored = self._reader.trial_runs(self._experiment, self._study_run)
        return {run.run_id for run in readable_runs(stored, left_out)}, left_out

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def memory(recorded: Layout) -> Iterator[Memory]:
    with closing(Memory(recorded)) as found:
        yield found


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: ".".join(filter(None, entry.place)))
@with_hostile_values
@cases(0.05)
@given(values=st.lists(store.values, min_size=NUM_RUNS, max_size=NUM_RUNS))
def test_any_entry_may_be_anything(memory: Memory, entry: Entry, values: Sequence[Any]) -> None:
    """The entry of every run becomes one of ``values``."""
    with memory.changed(entry.place, values) as stored:
        assert len(stored) == NUM_RUNS
        kept, left_out = memory.read()
    assert kept == {run for run, value in stored if entry.fits(value)}
    assert len(left_out) == NUM_RUNS - len(kept)
    for run in left_out:
        check_line(f"{run.run_id}: {run.entry}\n")
        assert run.entry.startswith(f"{entry.said} ")


def test_a_boolean_is_no_number() -> None:
    """SQLite has none; PostgreSQL has, and whoever owns a table can change a column's type."""
    run = StoredRun("run", "FINISHED", True, None, None, {"trial_number": "1"})
    with pytest.raises(InputError, match="start_time is True"):
        check_run(run)


KINDS = (*store.COLUMNS, *((name,) for name in store.JSON_FILES))
"""Every column of the tables of runs, as (table, column), and every file of a study."""


def changes(kind: tuple[str, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """A study, and what changes in it: an entry of the ``kind``."""
    studies, values = ("earlier", "earlier_arms"), store.values
    if len(kind) == 1:
        studies, values = (*studies, "earlier-confirm"), store.tokens
    return st.tuples(st.sampled_from(studies), st.just(kind), st.integers(0, 2_000), values)


def check_pages(
    recorded: Layout, scratch: Layout, change: tuple[Any, ...], factory: pytest.TempPathFactory
) -> None:
    """The study's report and the page of claims are written, or refused in one line."""
    restore(scratch, recorded)
    study, kind, position, value = change
    if len(kind) == 1:
        file = store.artifact(scratch, study, *kind)
        if file.exists():
            store.change_json(file, position, value)
    else:
        store.change_cell(scratch, study, kind, position, value)
    folder = factory.mktemp("reports")
    with refused_in_one_line():
        found = load_recorded(scratch.tracking_uri, [study.removesuffix("-confirm")])
        pages = [write_report(results, folder / name) for name, results in found.items()]
        for page in [*pages, write_claims(list(found.values()), folder / "claims")]:
            store.check_escaped(page.read_text("utf-8"))


def check_pages_without_pictures(*case: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "render", lambda plot, results: [])
        patch.setattr(verdicts, "render_small", lambda plot, results: [])
        check_pages(*case)


def test_without_a_declaration_no_trial_has_the_outcome_and_there_is_a_page(
    recorded: Layout, scratch: Layout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    change = ("earlier", ("study.json",), 0, "NaN")
    check_pages_without_pictures(recorded, scratch, change, tmp_path_factory)


@pytest.mark.slow
@cases(0.1)
@given(change=st.sampled_from(KINDS).flatmap(changes))
def test_whatever_an_entry_became_there_is_a_page_or_one_line(
    recorded: Layout,
    scratch: Layout,
    change: tuple[Any, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    check_pages_without_pictures(recorded, scratch, change, tmp_path_factory)


@pytest.mark.slow
@pytest.mark.skipif(VARIABLE in os.environ, reason="the campaign has more of these cases")
@pytest.mark.parametrize("kind", KINDS, ids=".".join)
@settings(max_examples=5, derandomize=False)
@given(data=st.data())
def test_whatever_an_entry_of_a_kind_became_there_is_a_page_or_one_line(
    recorded: Layout,
    scratch: Layout,
    kind: tuple[str, ...],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    case = (recorded, scratch, data.draw(changes(kind)), tmp_path_factory)
    check_pages_without_pictures(*case)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(VARIABLE in os.environ, reason="the campaign has the cases without pictures")
@settings(max_examples=40, derandomize=False)
@given(change=st.sampled_from(KINDS).flatmap(changes))
def test_whatever_an_entry_became_there_is_a_whole_page_or_one_line(
    recorded: Layout,
    scratch: Layout,
    change: tuple[Any, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", draw_only)
        check_pages(recorded, scratch, change, tmp_path_factory)
