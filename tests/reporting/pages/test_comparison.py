"""Several studies on one page: one leaderboard, the same axes, refused where scores differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.core.errors import InputError
from harness.core.spec.names import check_study_name
from harness.reporting.pages import comparison
from harness.reporting.pages.comparison import check_names, comparison_name, write_comparison
from harness.reporting.pages.comparison_plots import summarise_progress, summarise_scores
from harness.reporting.results.tables import StudyResults
from tests.support import reports as builder
from tests.support.html_page import Page


def study(name: str, *fids: float, **changes: Any) -> StudyResults:
    runs = [builder.record(n, fid=fid) for n, fid in enumerate(fids)]
    return builder.results(runs, builder.spec(name=name), **changes)


ONE, OTHER = study("one", 9.0, 3.0), study("other", 5.0, 4.0, 2.0)


def test_both_are_ranked_together_with_a_column_for_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "render", lambda plot, results: [])
    page = Page(write_comparison([ONE, OTHER], tmp_path).read_text())
    table = pd.read_csv(tmp_path / "runs.csv")
    assert list(table["study"]) == ["other", "one", "other", "other", "one"]
    assert list(table["rank"]) == [1, 2, 3, 4, 5]
    assert "Best fid in the search: other 2 (trial 2) and one 3 (trial 1)." in page.text
    assert "n = 5 completed trials of 2 studies" in page.text
    summary = json.loads((tmp_path / "comparison.json").read_text())
    assert summary["studies"] == ["one", "other"]
    assert summary["winners"]["other"]["trial"] == 2
    assert summary["runs"] == 5
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "progress.csv",
        "scores.csv",
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dataset": {"name": "mnist", "fingerprint": "ef" * 32}}, "dataset: "),
        ({"classifier": {"name": "digits-cnn", "sha256": "12" * 32}}, "classifier: "),
        ({"num_fake_samples": 5_000}, "num fake samples: 2000 and 5000"),
    ],
)
def test_scores_that_do_not_compare_are_refused_and_nothing_is_written(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    different = study("other", 1.0, evaluation={**builder.EVALUATION, **changes})
    with pytest.raises(InputError, match=f"one and other do not compare: {says}"):
        write_comparison([ONE, different], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_studies_without_a_completed_trial_have_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "render", lambda plot, results: [])
    page = Page(write_comparison([study("one"), study("other")], tmp_path).read_text())
    assert "No trial of these studies was completed." in page.text


def test_other_budgets_limit_the_comparison() -> None:
    larger = builder.results(
        [builder.record(0)], builder.spec(name="large", base={"images": 9_000})
    )
    words = " ".join(comparison.caveats([ONE, larger]))
    assert "one 100,000 and large 9,000" in words
    assert "budgets" not in " ".join(comparison.caveats([ONE, OTHER]))


def test_the_axes_hold_all_studies() -> None:
    scores = summarise_scores([ONE, OTHER], ONE)
    assert list(scores["study"]) == ["one"] * 2 + ["other"] * 3
    assert sorted(scores["value"]) == [2.0, 3.0, 4.0, 5.0, 9.0]
    progress = summarise_progress([ONE, OTHER], ONE)
    other = progress[progress["study"] == "other"]
    np.testing.assert_array_equal(other["images"], [100_000, 200_000, 300_000])
    np.testing.assert_array_equal(other["best"], [5.0, 4.0, 2.0])


def test_the_folder_has_a_name_that_no_study_can_have() -> None:
    with pytest.raises(InputError):
        check_study_name(comparison_name(["one", "other"]))
    assert comparison_name(["one"]) == "one"
    assert len(comparison_name(["x" * 100, "y" * 100, "z" * 100])) <= 200


@pytest.mark.parametrize(
    ("names", "says"),
    [(["one", "One"], "compared with itself"), ([f"s{n}" for n in range(7)], "allowed: 2 to 6")],
)
def test_wrong_lists_of_studies_are_refused(names: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_names(names)


@pytest.mark.slow
def test_the_same_studies_give_the_same_bytes(tmp_path: Path) -> None:
    pages = [write_comparison([ONE, OTHER], tmp_path / name) for name in ("a", "b")]
    assert pages[0].read_bytes() == pages[1].read_bytes()
    images = Page(pages[0].read_text()).all("img")
    assert any("other from 2 over a median of 4 to 5 (n = 3)" in str(one["alt"]) for one in images)
