"""What the alarm would have stopped: curves by hand, from tables of snapshots and of runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.core.errors import InputError
from harness.evidence.stopping import Course, outcomes, stopping, summary, verdict
from harness.outcomes.run_table import TableRun, run_table_text

DOWN, UP = 0.1, 0.9


def _course(probabilities: list[float], fid: float) -> Course:
    alarm = tuple((100 * k, p) for k, p in enumerate(probabilities, 1))
    return Course("s", alarm, tuple((seen, fid) for seen, _ in alarm))


def test_trials_are_counted_by_what_they_came_to() -> None:
    table = outcomes(
        "s",
        [
            _course([UP] * 4 + [DOWN] * 4, 5.0),
            _course([UP] * 8, 40.0),  # stopped at the seventh of eight
            _course([DOWN] * 4 + [UP] * 3 + [DOWN], 9.0),  # good, stopped, and it would recover
            _course([DOWN] * 6 + [UP] * 2, 11.0),
        ],
    )
    assert table["good"].tolist() == [True, False, True, False]  # 2 x 5 is the limit
    assert table["stopped"].tolist() == [False, True, True, False]
    assert summary(table) == (
        "4 trials, 2 good; stopped 2, of which 1 good and 1 whose alarm was down at their end; "
        "not stopped, alarm up at the end 1"
    )
    # Clopper and Pearson for 1 of 2: 1 - 0.975^(1/2) and 0.975^(1/2).
    assert verdict(table) == (
        "good trials stopped: 1 of 2, 95 % interval 1.3% to 98.7%; fewer than 100 trials: off by "
        "default"
    )


def test_late_reports_between_the_even_ones_do_not_count() -> None:
    alarm = [(100 * k, DOWN if k < 6 else UP) for k in range(1, 9)] + [(650, UP), (750, UP)]
    course = Course("s", tuple(sorted(alarm)), ((800, 5.0),))
    assert course.stopped_at is None  # 600, 700 and the end
    assert _course([DOWN] * 4 + [UP] * 4, 5.0).stopped_at == 700


@pytest.mark.parametrize(("hits", "words"), [(1, "; below 2%"), (2, "; not below 2%")])
def test_the_rule_may_be_on_below_two_percent(hits: int, words: str) -> None:
    table = pd.DataFrame({"good": [True] * 100, "stopped": [k < hits for k in range(100)]})
    assert verdict(table.assign(ended_up=False)).endswith(words)


def test_a_table_of_runs_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    curves = {
        "collapse_probability": {100 * k: UP for k in range(1, 9)},
        "fid": {100 * k: 20.0 for k in range(1, 9)},
    }
    whole = TableRun("a" * 64, {}, {}, curves)
    without = TableRun("b" * 64, {}, {}, {"fid": curves["fid"]})
    (tmp_path / "runs.jsonl").write_text(run_table_text([whole, without]))
    stopping([str(tmp_path / "runs.jsonl")])
    assert "1 trials, 1 good; stopped 1, of which 1 good and 0" in capsys.readouterr().out


def test_a_source_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        stopping([str(tmp_path / "none.jsonl")])
    with pytest.raises(InputError, match="no trial that ran to its end"):
        stopping([str(tmp_path / "none.csv")])
