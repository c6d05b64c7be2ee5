"""A store with malformed entries: a page that says what was left out, or one line; never more.

Somebody who may write to a store can put anything into any entry. The examples are those that once
ended in a traceback; test_any_entry.py has the generated cases.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from harness.reporting.results.load import load_results
from harness.tracking.stores.layout import Layout
from tests.security.conftest import draw_only
from tests.support import altered_store as store
from tests.support.html_page import Page

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
