"""A store with malformed entries: a page that says what was left out, or one line; never more.

Somebody who may write to a store can put anything into any entry. The examples are those that once
ended in a traceback; the generated cases change one entry, any of them, to anything.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from harness.reporting.pages import study as page_module
from harness.reporting.pages.claims import write_claims
from harness.reporting.pages.study import write_report
from harness.reporting.parts import verdicts
from harness.reporting.results.load import load_recorded, load_results
from harness.tracking.stores.layout import Layout
from tests.security.conftest import restore
from tests.support import altered_store as store
from tests.support.html_page import Page
from tests.support.wrong_input import VARIABLE, cases, refused_in_one_line

METRIC = "UPDATE metrics SET {} WHERE key = 'fid' AND run_uuid = ?"
RUN = "UPDATE runs SET {} WHERE run_uuid = ?"
NUMBER = "UPDATE tags SET value = '{}' WHERE key = 'trial_number' AND run_uuid = ?"
PARAM = "UPDATE params SET value = '{}' WHERE key = '{}' AND run_uuid = ?"

MALFORMED_RUNS = {
    "a digit that is no number": (NUMBER.format("²"), "trial_number is '²'"),
    "5,000 digits": (NUMBER.format("9" * 5_000), "trial_number is '999"),
    "a start out of range": (RUN.format("start_time = 9223372036854775807"), "start"),
    "an end out of range": (RUN.format("end_time = -9223372036854775808"), "end_time"),
    "a start that is text": (
        RUN.format("start_time = 'soon'"),
        "start_time is 'soon'",
    ),
    "a param nan": (PARAM.format("nan", "learning_rate"), "param learning_rate is 'nan'"),
    "a count nan": (PARAM.format("nan", "batch_size"), "param batch_size is 'nan'"),
    "a metric NaN": (METRIC.format("is_nan = 1"), "metric fid is nan"),
    "a metric 1e308": (METRIC.format("value = 1e308"), "metric fid is 1e+308"),
    "a metric -1e308": (METRIC.format("value = -1e308"), "metric fid is -1e+308"),
    "a column's name": (METRIC.format("key = 'outcome'"), "metric 'outcome'"),
}


@pytest.mark.parametrize("how", MALFORMED_RUNS)
def test_a_malformed_run_is_left_out_and_named(altered: Layout, how: str) -> None:
    statement, says = MALFORMED_RUNS[how]
    run = store.trial_run(altered, "earlier_arms")
    assert store.execute(altered, statement, run)
    results = load_results(altered.tracking_uri, "earlier_arms")
    assert [one.run_id for one in results.unreadable] == [run]
    assert says in results.unreadable[0].entry
    assert len(results.trials) == 5
    assert run not in set(results.trials["run_id"])


MALFORMED_ARTIFACTS = {
    "NaN in evaluation.json": ("evaluation.json", '{"metrics": {"fid": {"low": NaN}}}', "not JSON"),
    "NaN in environment.json": ("environment.json", '{"cores": NaN}', "not JSON"),
    "nested": ("evaluation.json", "[" * 100_000 + "]" * 100_000, "not JSON"),
    "nested a little": ("environment.json", '{"a":' * 30 + "1" + "}" * 30, "more than 20 levels"),
    "an integer of 400 digits": ("untrained.json", '{"fid": ' + "9" * 400 + "}", "not JSON"),
    "a number beyond floats": ("untrained.json", '{"fid": 1e999}', "out of range"),
    "half a character": ("environment.json", '{"python": "\\ud800"}', "not Unicode"),
    "records that are a list": ("evaluation.json", '{"metrics": [1]}', "metrics is [1]"),
    "a bound that is a list": (
        "evaluation.json",
        '{"metrics": {"fid": {"low": []}}}',
        ".low is []",
    ),
    "no object": ("environment.json", "[1, 2]", "not a JSON object"),
    "too large": ("environment.json", '{"a": "' + "x" * 1_000_000 + '"}', "larger than"),
}


@pytest.mark.parametrize("how", MALFORMED_ARTIFACTS)
def test_a_malformed_artifact_is_a_gap(altered: Layout, how: str) -> None:
    name, content, says = MALFORMED_ARTIFACTS[how]
    store.artifact(altered, "earlier_arms", name).write_text(content)
    (gap,) = load_results(altered.tracking_uri, "earlier_arms").gaps
    assert gap.startswith(name)
    assert says in gap


ADDRESSES = [
    *("http://127.0.0.1:9/x", "s3://bucket/x", "gs://bucket/x", "sftp://127.0.0.1:9/x"),
    *("wasbs://c@a.blob.core.windows.net/x", "runs:/x/y", "hdfs://h/x", "nothing://x", "::", "\0"),
]


def test_an_address_without_its_client_is_a_gap(altered: Layout, tmp_path: Path) -> None:
    run = store.study_run(altered, "earlier_arms")
    (altered.artifact_root / "earlier_arms" / run).rename(tmp_path / "away")
    for address in ADDRESSES:
        store.execute(altered, "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", address, run)
        gaps = load_results(altered.tracking_uri, "earlier_arms").gaps
        assert gaps[0].startswith("study.json (not read: its address is outside of")


@pytest.mark.usefixtures("no_pictures")
def test_a_page_names_what_was_left_out(altered: Layout, tmp_path: Path) -> None:
    run = store.trial_run(altered, "earlier-confirm")
    store.execute(altered, PARAM.format(store.SCRIPT, "optimizer"), run)
    store.artifact(altered, "earlier", "evaluation.json").write_text("NaN")
    page = Page(store.check_report(altered, "earlier", tmp_path / "report"))
    entry = f"param optimizer is '{store.SCRIPT}'"
    assert f"1 run left out, because an entry is malformed: run {run} ({entry})." in page.text
    assert "Could not be read: evaluation.json (not JSON)." in page.text
    summary = json.loads((tmp_path / "report" / "study.json").read_text())
    assert summary["unreadable"] == [{"run_id": run, "entry": entry}]
    assert run not in (tmp_path / "report" / "runs.csv").read_text()


@pytest.mark.slow
def test_values_that_no_axis_can_span_are_left_out(
    altered: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Figure, "savefig", draw_only)
    runs = [store.trial_run(altered, "earlier", number) for number in range(3)]
    for run, change in zip(runs, ("is_nan = 1", "value = 1e308", "value = -1e308"), strict=True):
        assert store.execute(altered, METRIC.format(change), run)
    page = Page(store.check_report(altered, "earlier", tmp_path / "report"))
    assert "3 runs left out" in page.text


@pytest.mark.usefixtures("no_pictures")
def test_a_malformed_study_is_one_line_that_names_run_and_field(
    altered: Layout, tmp_path: Path
) -> None:
    run = store.study_run(altered, "earlier")
    file = store.artifact(altered, "earlier", "study.json")
    declared = json.loads(file.read_text())
    file.write_text(json.dumps({**declared, "space": {"leaky_slope": {"low": "steep"}}}))
    complaint = store.check_report(altered, "earlier", tmp_path / "report")
    assert f"run {run}: study.json: [space]: leaky_slope" in complaint
    store.execute(altered, "UPDATE runs SET start_time = 'soon' WHERE run_uuid = ?", run)
    complaint = store.check_report(altered, "earlier", tmp_path / "report")
    assert f"run {run}: start_time is 'soon'" in complaint


def draw_only(figure: Figure, file: io.BytesIO, **options: Any) -> None:
    """Stand for savefig: all was drawn on the axes; that it becomes a file is left out."""
    file.write(b"<svg/>")


changes = st.one_of(
    st.tuples(st.just("cell"), store.cells),
    st.tuples(
        st.just("json"),
        st.tuples(
            st.sampled_from(("earlier", "earlier-confirm", "earlier_arms")),
            st.sampled_from(store.JSON_FILES),
            st.integers(0, 400),
            store.tokens,
        ),
    ),
)


def alter(layout: Layout, change: tuple[str, Any]) -> None:
    kind, how = change
    if kind == "cell":
        store.change_cell(layout, *how)
        return
    study, name, position, token = how
    file = store.artifact(layout, study, name)
    if file.exists():
        store.change_json(file, position, token)


def check_any(
    recorded: Layout, scratch: Layout, change: tuple[str, Any], factory: pytest.TempPathFactory
) -> None:
    """Reports and the page of claims are written, or refused in one line."""
    restore(scratch, recorded)
    alter(scratch, change)
    folder = factory.mktemp("reports")
    with refused_in_one_line():
        found = load_recorded(scratch.tracking_uri, ["earlier", "earlier_arms"])
        pages = [write_report(results, folder / name) for name, results in found.items()]
        for page in [*pages, write_claims(list(found.values()), folder / "claims")]:
            store.check_escaped(page.read_text("utf-8"))


@cases(0.1)
@given(change=changes)
def test_any_entry_may_be_anything(
    recorded: Layout,
    scratch: Layout,
    change: tuple[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "render", lambda plot, results: [])
        patch.setattr(verdicts, "render_small", lambda plot, results: [])
        check_any(recorded, scratch, change, tmp_path_factory)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(VARIABLE in os.environ, reason="the campaign has the cases without pictures")
@settings(max_examples=40, derandomize=False)
@given(change=changes)
def test_any_entry_may_be_anything_on_a_whole_page(
    recorded: Layout,
    scratch: Layout,
    change: tuple[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", draw_only)
        check_any(recorded, scratch, change, tmp_path_factory)
