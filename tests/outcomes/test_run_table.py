"""A table of runs: written, read back, and refused in one line where it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.outcomes.run_table import TableRun, read_run_table, run_table_text

RUN = TableRun(
    "a" * 64, {"seed": 3, "width": 0.25}, {"cpu": "x"}, {"fid": {32: 3.25, 96: 1 / 3}, "kid": {}}
)


def test_what_is_written_is_read_back_to_nine_digits(tmp_path: Path) -> None:
    other = TableRun("b" * 64, {"seed": 2, "width": 0.25}, {}, {"fid": {32: 1e-7}})
    path = tmp_path / "runs.jsonl"
    path.write_text(run_table_text([RUN, other]))
    found = read_run_table(path)
    assert list(found) == ["b" * 64, "a" * 64]  # in the order of configuration and seed
    assert found["b" * 64] == other
    assert found["a" * 64].history["fid"][96] == pytest.approx(1 / 3, rel=1e-9)
    assert found["a" * 64].history["fid"][32] == 3.25
    assert path.read_text() == run_table_text(found.values())
    assert read_run_table(tmp_path / "none.jsonl") == {}


@pytest.mark.parametrize(
    "change",
    [
        "not json",
        "[]",
        "{}",
        {"trains": "x"},
        {"trains": 3},
        {"config": []},
        {"history": []},
        {"history": {"fid": 3}},
        {"history": {"fid": {"-1": 3.0}}},
        {"history": {"fid": {"1": "3"}}},
        {"history": {"fid": {"1": True}}},
        {"history": {"fid": {"1": float("nan")}}},
        {"more": 1},
    ],
)
def test_anything_else_is_one_line_with_its_number(tmp_path: Path, change: object) -> None:
    good = run_table_text([RUN])
    bad = change if isinstance(change, str) else json.dumps({**json.loads(good), **change})
    path = tmp_path / "runs.jsonl"
    path.write_text(good + bad + "\n")
    with pytest.raises(InputError, match=r"runs\.jsonl: line 2 is no run of a table of runs"):
        read_run_table(path)


def test_a_table_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not text"):
        read_run_table(path)
    with pytest.raises(InputError, match="directory"):
        read_run_table(tmp_path)
