"""Winners on fresh seeds: means, chances, the winner's curse, and what the page makes of them."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.reporting.analysis import analyse
from harness.reporting.pages import study as page_module
from harness.reporting.pages.study import render_page
from harness.reporting.parts.confirmation import confirmation_plot, confirmation_table
from harness.reporting.parts.figures import HALF, draw_figure
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.confirmation import confirmed
from tests.support import reports as builder
from tests.support.html_page import Page
from tests.support.reports import FAILED

SEARCHED = [9.0, 4.0, 5.0]


def search(fresh: dict[str, list[Any]] | None, **changes: Any) -> StudyResults:
    """A search whose trials 0 to 2 scored SEARCHED, some of them confirmed."""
    runs = [builder.record(n, fid=value) for n, value in enumerate(SEARCHED)]
    spec = builder.spec(confirm={"top": 2, "seeds": 5}, **changes)
    confirmation = None
    if fresh is not None:
        arms = builder.arms_spec(tuple(fresh), name="demo-confirm")
        confirmation = builder.results(builder.arms_runs(**fresh), arms)
    return builder.results(runs, spec, confirmation=confirmation)


FRESH = {"trial-001": [6.0, 6.5, 5.5, 6.2, 5.8], "trial-002": [5.0, 5.4, 5.6, 4.9, 5.1]}


def test_the_confirmed_order_is_that_of_the_fresh_means() -> None:
    found = confirmed(search(FRESH))
    assert [one.trial for one in found] == [2, 1]
    assert [one.mean for one in found] == pytest.approx([5.2, 6.0])
    assert [one.searched for one in found] == [5.0, 4.0]
    # 6.0 against the 4.0 of the search: 2.0 too good, and its interval is that of the mean.
    assert found[1].too_good == pytest.approx(2.0)
    assert found[1].too_good_low == pytest.approx(found[1].low - 4.0)
    half = stats.t.ppf(0.975, 4) * np.std(FRESH["trial-001"], ddof=1) / math.sqrt(5)
    assert found[1].low <= 6.0 - half + 1e-9


def test_the_chance_to_be_best_counts_all_resamples_of_the_seeds() -> None:
    fresh = {"trial-001": [1.0, 5.0, 2.0], "trial-002": [2.0, 2.0, 3.0]}
    found = {one.trial: one.probability_best for one in confirmed(search(fresh))}
    grid = np.array(np.meshgrid(*[range(3)] * 3)).reshape(3, -1)
    one, two = (np.array(fresh[arm])[grid].sum(axis=0) for arm in fresh)
    expected = float(np.mean(one < two) + np.mean(one == two) / 2)
    assert found[1] == pytest.approx(expected)
    assert found[2] == pytest.approx(1 - expected)


def test_a_failed_run_is_worse_than_any_other() -> None:
    fresh = {"trial-001": [1.0, 1.1, FAILED], "trial-002": [5.0, 5.1, 5.2]}
    found = confirmed(search(fresh))
    assert [one.trial for one in found] == [2, 1]
    assert found[1].failed == 1
    # The failed seed is missing from a resample of three with probability (2/3)**3.
    assert found[1].probability_best == pytest.approx(8 / 27)


def test_nothing_confirmed_is_nothing_shown() -> None:
    assert confirmed(search(None)) == []
    assert confirmed(search({"trial-001": [FAILED, FAILED], "trial-002": [None, None]})) == []
    assert "is the best of 3 completed trials" in analyse(search(None)).answer.headline


def test_an_objective_to_maximize() -> None:
    runs = [builder.record(n, recall=value) for n, value in enumerate([0.2, 0.9])]
    fresh = [
        builder.record(seed, recall=0.5 + 0.1 * seed, config={"seed": seed}, tags={"arm": arm})
        for seed, arm in enumerate(["trial-001"] * 3)
    ]
    confirmation = builder.results(fresh, builder.arms_spec(("trial-001",), name="demo-confirm"))
    spec = builder.spec(search={"maximize": "recall"}, confirm={"top": 1, "seeds": 3})
    found = confirmed(builder.results(runs, spec, confirmation=confirmation))
    # 0.9 in the search against 0.6 on average.
    assert found[0].too_good == pytest.approx(0.3)
    assert found[0].too_good_low < 0.3 < found[0].too_good_high
    assert found[0].probability_best == 1.0


def test_the_headline_names_the_confirmed_winner_and_the_passed_one() -> None:
    found = analyse(search(FRESH)).answer
    assert found.headline == (
        "Trial 2 is the best of 2 confirmed configurations, with a mean fid of 5.2 over 5 fresh "
        "seeds."
    )
    text = " ".join(found.sentences)
    assert "Over the fresh seeds, the 95 % interval of its mean is 4.8" in text
    assert "The search ranked trial 1 first, with 4: 2 better than" in text.replace("4.000", "4")
    assert "; trial 2 ranks first on fresh seeds." in text
    assert not any("optimistic" in caveat for caveat in found.caveats)
    assert any("resamples of the seeds" in caveat for caveat in found.caveats)


@pytest.mark.parametrize(
    ("fresh", "says"),
    [
        ([5.0], "confirmed with one fresh seed alone"),
        ([5.0, 5.0], "All 2 fresh seeds of the winner scored the same"),
        ([5.0, 6.0], ""),
    ],
)
def test_too_few_seeds_for_an_interval_limit_the_answer(fresh: list[float], says: str) -> None:
    text = " ".join(analyse(search({"trial-001": fresh})).answer.caveats)
    assert says in text
    assert ("there is no interval" in text) is bool(says)


def test_the_first_that_was_not_confirmed_is_named() -> None:
    text = " ".join(analyse(search({"trial-002": FRESH["trial-002"]})).answer.sentences)
    assert "The search's best, trial 1, was not confirmed." in text


def test_the_table_and_the_plot() -> None:
    results = search(FRESH)
    found = confirmed(results)
    table = confirmation_table(found, "fid")
    assert [row[1] for row in table.rows] == ["2", "1"]
    assert table.rows[1][-1].startswith("2 (1.")
    plot = confirmation_plot(found)
    frame = plot.summarise(results)
    assert len(frame) == 10
    assert "n = 10 runs" in plot.caption(results)
    figure = draw_figure(plot, frame, HALF, "dark")
    figure.draw_without_rendering()
    labels = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert labels == ["trial 2", "trial 1"]


@pytest.mark.parametrize("fresh", [FRESH, {"trial-001": [5.0, None]}, {"trial-001": [5.0, 5.0]}])
def test_the_page_shows_the_confirmation(
    fresh: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])
    results = search(fresh)
    page = Page(render_page(analyse(results)))
    assert "Confirmed on fresh seeds" in page.text
    assert "nan" not in page.text.lower().split()
    summary = json.dumps(page_module.summarise(analyse(results)), allow_nan=False)
    assert json.loads(summary)["confirmation"][-1]["searched"] == 4.0
    alone = dataclasses.replace(results, confirmation=None)
    assert "Confirmed on fresh seeds" not in Page(render_page(analyse(alone))).text
