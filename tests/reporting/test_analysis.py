"""A report computes each of its statistics once, and leaves the cached ones as they were."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from harness.reporting.analysis import analyse
from harness.reporting.pages import study as page_module
from harness.reporting.pages.study import write_report
from harness.reporting.parts import arms_answer, search_answer
from harness.reporting.parts import verdicts as verdicts_part
from harness.reporting.parts.figures import Panel
from harness.reporting.plots import Plot
from harness.reporting.results import tables
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics import confirmation, importance, verdicts
from tests.support import reports as builder

IMPORTANCE = {
    "kind": "importance",
    "outcome": "fid",
    "field": "learning_rate",
    "over": ["leaky_slope"],
    "smallest_effect": 0.05,
}


def search() -> StudyResults:
    """A search with a claim about its importances, and with two confirmed winners."""
    runs = builder.random_runs(30, seed=2, reports=2)
    best = builder.results(runs).ranked["number"].head(2)
    fresh = {f"trial-{number:03d}": [20.0 + number, 21.0, 22.0] for number in best}
    claim = {"id": "C14", "source": "S1", "text": "The rate decides", "tests": [IMPORTANCE]}
    arms = builder.arms_spec(tuple(fresh), name="demo-confirm")
    return builder.results(
        runs,
        builder.spec(confirm={"top": 2, "seeds": 3}, claim=claim),
        confirmation=builder.results(builder.arms_runs(**fresh), arms),
    )


def comparison() -> StudyResults:
    """A comparison of two arms with a test."""
    runs = builder.arms_runs(centered=[10.0, 11.0, 9.5], unit=[20.4, 21.5, 18.9])
    return builder.results(runs, builder.arms_spec(tests=[builder.comparison_test()]))


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots make their frames, which may ask for statistics, but draw nothing: that takes long."""

    def summarised(plot: Plot, results: StudyResults) -> list[Panel]:
        plot.summarise(results)
        return []

    monkeypatch.setattr(page_module, "render", summarised)
    monkeypatch.setattr(verdicts_part, "render_small", summarised)


@pytest.mark.parametrize("make", [search, comparison])
def test_every_statistic_is_computed_once(
    make: Callable[[], StudyResults], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results, calls = make(), Counter[str]()

    def count(module: ModuleType, name: str, of: object = None) -> None:
        """Count the calls of a function that its own module looks up, whoever began them.

        of: only the calls with this first argument.
        """
        function = getattr(module, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls[name] += of is None or args[0] is of
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, counted)

    count(tables, "ranking", results.trials)
    count(verdicts, "_judged")
    count(confirmation, "_chances")
    count(importance, "_measure", results)  # its resamples are measured too, each once
    count(search_answer, "_tally")
    count(arms_answer, "_own_level")
    write_report(results, tmp_path)
    own = {"_tally", "_chances"} if results.spec.arms is None else {"_own_level"}
    assert calls == dict.fromkeys({"ranking", "_judged", "_measure"} | own, 1)


@pytest.mark.parametrize("make", [search, comparison])
def test_a_report_changes_no_cached_statistic(
    make: Callable[[], StudyResults], tmp_path: Path
) -> None:
    results = make()
    before, shares = results.ranked.copy(), dict(analyse(results).importance.shares)
    write_report(results, tmp_path)
    pd.testing.assert_frame_equal(results.ranked, before)
    assert importance.importance(results).shares == shares
    with pytest.raises(TypeError):
        results.counts["complete"] = 0  # type: ignore[index]


def test_a_changed_copy_of_the_results_is_ranked_anew() -> None:
    results = search()
    assert len(results.ranked) > 1
    fewer = dataclasses.replace(results, trials=results.trials[:0])
    assert fewer.ranked.empty
    assert fewer.counts["complete"] == 0
