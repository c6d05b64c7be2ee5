"""Our own pages in a browser: nothing fails, nothing is loaded, nothing of a store runs or spills.

The first tier opens one page without plots; the second opens one page of every kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.reporting.pages import study as study_page
from harness.reporting.pages.study import write_report
from tests.support import reports as builder
from tests.support.browser import PHONE, accessibility_faults, chromium, sideways_scroll, visit
from tests.support.repository import REPOSITORY
from tests.support.shown_pages import EVIL, PAGES, write_pages

KINDS = ("index", *PAGES, "calibration")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The address of a page of each of KINDS."""
    folder = tmp_path_factory.mktemp("pages")
    write_pages(folder)
    files = {name: folder / name / "index.html" for name in PAGES}
    files |= {"index": folder / "index.html"}
    files |= {"calibration": REPOSITORY / "reports/recorded/calibration/index.html"}
    return {name: file.as_uri() for name, file in files.items()}


def test_a_page_opens_without_a_fault_and_loads_nothing(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_page, "render", lambda plot, results: [])
    runs = [builder.record(n, fid=5.0 + n) for n in range(3)]
    url = write_report(builder.results(runs), tmp_path / "demo").as_uri()
    with visit(browser, url) as seen:
        assert (seen.faults, seen.requests) == ([], [url])
        assert seen.page.locator("#leaderboard th button").count() > 3  # its script has run


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_page_has_a_fault_loads_anything_or_is_hard_to_use(
    browser: Any, pages: dict[str, str], kind: str, dark: bool
) -> None:
    with visit(browser, pages[kind], dark=dark) as seen:
        found = accessibility_faults(seen.page)
        assert (seen.faults, seen.requests) == ([], [pages[kind]])
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_scrolls_down_alone(browser: Any, pages: dict[str, str], kind: str) -> None:
    for script in (True, False):
        with visit(browser, pages[kind], width=PHONE, script=script) as seen:
            assert sideways_scroll(seen.page) == 0, script


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["index", *PAGES])
def test_hostile_texts_are_shown_and_do_nothing(
    browser: Any, pages: dict[str, str], kind: str
) -> None:
    with visit(browser, pages[kind]) as seen:
        assert seen.faults == []
        assert seen.page.locator("script").count() <= 1
        assert seen.page.locator("img:not([src^='data:image/'])").count() == 0
        shown = seen.page.locator("main").inner_text()
        if kind in ("hostile", "claims"):
            assert EVIL[:40] in shown


@pytest.mark.slow
def test_a_leaderboard_is_sorted_by_a_click_and_back_by_the_next(
    browser: Any, pages: dict[str, str]
) -> None:
    with visit(browser, pages["demo"]) as seen:
        table = seen.page.locator("#leaderboard table")
        header = table.locator("th", has_text="learning_rate")
        rates = table.locator(f"tbody td:nth-child({_column(table, 'learning_rate')})")
        before = [float(text) for text in rates.all_inner_texts()]
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == "ascending"
        assert [float(text) for text in rates.all_inner_texts()] == sorted(before) != before
        header.locator("button").press("Enter")
        assert header.get_attribute("aria-sort") == "descending"
        assert [float(t) for t in rates.all_inner_texts()] == sorted(before, reverse=True)
        times = table.locator(f"tbody td:nth-child({_column(table, 'training')})")
        table.locator("th", has_text="training").locator("button").click()
        seconds = [_seconds(text) for text in times.all_inner_texts()]
        assert seconds == sorted(seconds)


def _column(table: Any, name: str) -> int:
    names = [text.strip(" \u2191\u2193") for text in table.locator("thead th").all_inner_texts()]
    return names.index(name) + 1


def _seconds(text: str) -> float:
    units = {"h": 3600, "min": 60, "s": 1}
    words = text.split()
    return sum(float(n) * units[unit] for n, unit in zip(words[::2], words[1::2], strict=True))


@pytest.mark.slow
def test_one_trial_is_shown_in_all_plots(browser: Any, pages: dict[str, str]) -> None:
    """By the focus on its row and by the pointer on one of its marks, until either is gone."""
    with visit(browser, pages["demo"]) as seen:
        row = seen.page.locator("#leaderboard tbody tr").nth(2)
        number = row.locator("td").first.inner_text().split()[0]
        row.focus()
        names = seen.page.locator(".plot svg text")
        assert set(names.all_text_contents()) == {f"trial {number}"}
        assert names.count() > 15
        row.blur()
        assert names.count() == 0
        plot = seen.page.locator("#optimisation_history .plot")
        marks = dict(one.split(" ") for one in plot.get_attribute("data-marks").split("|"))
        x, y = map(int, marks[number].split(","))
        plot.scroll_into_view_if_needed()
        scale = plot.bounding_box()["width"] / int(plot.locator("img").get_attribute("width"))
        plot.hover(position={"x": x * scale, "y": y * scale})
        assert set(names.all_text_contents()) == {f"trial {number}"}
        assert "lit" in row.get_attribute("class")
        seen.page.mouse.move(1, 1)
        assert names.count() == 0
        assert seen.faults == []


@pytest.mark.slow
def test_rows_are_found_by_parts_of_their_text(browser: Any, pages: dict[str, str]) -> None:
    with visit(browser, pages["demo"]) as seen:
        section = seen.page.locator("#trials")
        rows = section.locator("tbody tr")
        total, wanted = rows.count(), rows.filter(has_text="rmsprop").filter(has_text="unit")
        number = wanted.count()
        assert 0 < number < total
        section.locator("input").fill("RMSprop unit")
        assert section.locator("tbody tr:visible").count() == number
        assert section.locator("output").inner_text() == f"{number} of {total}"
        section.locator("input").fill("")
        assert section.locator("tbody tr:visible").count() == total


@pytest.mark.slow
def test_a_page_is_complete_without_its_script(browser: Any, pages: dict[str, str]) -> None:
    texts = []
    for script in (True, False):
        with visit(browser, pages["demo"], script=script) as seen:
            texts.append(seen.page.locator("main").inner_text())
    words = [set(text.split()) for text in texts]
    assert words[1] <= words[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["demo", "index", "claims", "demo+other"])
def test_print_hides_nothing_that_matters(browser: Any, pages: dict[str, str], kind: str) -> None:
    a4 = 718  # CSS pixels between the margins of a sheet
    with visit(browser, pages[kind], width=a4) as seen:
        page = seen.page
        page.emulate_media(media="print", color_scheme="dark")
        assert sideways_scroll(page) == 0
        hidden = "(all) => all.filter((one) => !one.checkVisibility({contentVisibilityAuto: true}))"
        for matters in ("tr", "img", "figcaption", "h2", "h3", "pre", "li", "dd"):
            found = page.locator(f"main :is({matters}):not(nav *)")
            gone = found.evaluate_all(f"{hidden}.map((one) => one.outerHTML.slice(0, 99))")
            assert gone == [], matters
        for button in ("th button",):  # the header's text is inside
            assert page.locator(button).evaluate_all(f"{hidden}.length") == 0
        cut = "(all) => all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1)"
        assert page.locator("main td, main img, main pre").evaluate_all(f"{cut}.length") == 0
        look = "() => getComputedStyle(document.documentElement).colorScheme"
        assert page.evaluate(look) == "light"  # dark ink on white paper, whatever the screen is
