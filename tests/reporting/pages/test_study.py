"""The page: complete, self-contained, safe to open, the same for the same runs."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from harness.core.registry import PLOTS
from harness.outcomes.late import LATE_WORDS
from harness.reporting.analysis import analyse
from harness.reporting.pages import study as page_module
from harness.reporting.pages.study import render_page, summarise, write_report
from harness.reporting.parts.figures import MAX_GRID_PIXELS, grid_uri
from tests.support import reports as builder
from tests.support.html_page import Page

RUNS = builder.random_runs(14, seed=5, reports=4)


OWN_SCRIPT = resources.files("harness.reporting").joinpath("templates/study.js").read_text("utf-8")
UNDRAWN = ("fidelity_diversity", "network_balance")
"""The plots of which RUNS have no scores."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(builder.results(RUNS), tmp_path_factory.mktemp("report") / "demo")


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


def test_the_page_holds_everything_the_design_names(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    sections = ["answer", "leaderboard", "images", *PLOTS.names(), "trials", "scores", "setup"]
    assert {*sections, "reproduce"} <= set(ids)
    assert len(ids) == len(set(ids))
    for words in ("Which optimizer", "400", "digits-cnn", "cd" * 32, "0.9889", "3.15.1", "2,000"):
        assert words in page.text
    assert "python -m harness.study demo" in page.text
    assert page.text.index("Answer") < page.text.index("Leaderboard") < page.text.index("Reproduce")


def test_percent_signs_stay_with_their_numbers_but_what_is_copied_stays_as_it_is() -> None:
    runs = [builder.record(n, fid=10.0 + n, config={"dataset": "at 5 %"}) for n in range(3)]
    text = render_page(analyse(builder.results(runs)))
    (copied,) = re.findall(r"<pre><code>(\[base\].*?)</code>", text, re.DOTALL)
    assert "dataset = &#34;at 5 %&#34;" in copied
    words = Page(text).text.replace("at 5 %", "")
    assert "95\N{NO-BREAK SPACE}% interval" in words
    assert not re.search(r"\d %", words)


def test_every_link_of_the_page_has_its_target(page: Page, written: Path) -> None:
    ids = {attributes.get("id") for _, attributes in page.elements}
    links = [str(a["href"]) for a in page.all("a")]
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= ids
    files = {link for link in links if not link.startswith("#")}
    assert files == {f"data/{name}.csv" for name in PLOTS.names() if name not in UNDRAWN}
    assert all((written.parent / file).is_file() for file in files)


def test_every_trial_is_named_with_its_end(page: Page) -> None:
    for run in RUNS:
        row = re.search(rf"\n{run.number}\n(completed|pruned|failed|interrupted)\n", page.text)
        assert row, run.number


def test_nothing_is_loaded_and_nothing_runs_but_the_pages_own_script(page: Page) -> None:
    sources = [a["src"] for a in page.all("img")] + [a["srcset"] for a in page.all("source")]
    assert sources
    assert all(str(source).startswith("data:image/") for source in sources)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"link", "iframe", "object", "embed", "form", "base"}
    assert page.all("script") == [{}]
    assert page.script == OWN_SCRIPT
    assert not [a for _, a in page.elements if any(n.startswith("on") or n == "style" for n in a)]
    assert "url(" not in page.css
    assert "@import" not in page.css


def test_the_policy_allows_this_style_sheet_this_script_and_data_images_only(page: Page) -> None:
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    style, script = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (page.css, page.script)
    )
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style}'; "
        f"script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )


def test_pictures_have_words_and_a_dark_variant(page: Page) -> None:
    assert all(image["alt"] for image in page.all("img"))
    images = [image for image in page.all("img") if image.get("class") != "pixels"]
    dark = [s for s in page.all("source") if "prefers-color-scheme: dark" in str(s["media"])]
    plots = [image for image in images if "width" in image]
    assert any("The best completed trial is trial" in str(image["alt"]) for image in plots)
    assert len(plots) >= 19  # history, 4 fields, 6 pairs, importance, 4 curves, 2 losses, states
    assert len(dark) >= len(plots)
    assert not {str(s["srcset"]) for s in dark} & {str(image["src"]) for image in plots}


def test_tables_have_headers(page: Page) -> None:
    headers = page.all("th")
    assert all(header.get("scope") in ("col", "row") for header in headers)
    assert page.all("html")[0]["lang"] == "en"


def test_the_page_is_small(written: Path) -> None:
    assert written.stat().st_size < 1_500_000


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(written: Path, tmp_path: Path) -> None:
    shuffled = [RUNS[index] for index in np.random.default_rng(0).permutation(len(RUNS))]
    again = write_report(builder.results(shuffled), tmp_path)
    for name in ("index.html", "runs.csv", "study.json", *(f"data/{n}.csv" for n in PLOTS.names())):
        assert (again.parent / name).read_bytes() == (written.parent / name).read_bytes(), name


def test_only_the_files_of_the_report_are_left(written: Path) -> None:
    names = sorted(path.name for path in written.parent.iterdir())
    assert names == ["data", "index.html", "runs.csv", "study.json"]
    data = sorted(path.name for path in (written.parent / "data").iterdir())
    assert data == [f"{name}.csv" for name in PLOTS.names()]


def test_runs_csv_is_the_table_of_trials(written: Path) -> None:
    table = pd.read_csv(written.parent / "runs.csv")
    trials = builder.results(RUNS).trials
    assert list(table.columns) == list(trials.columns)
    np.testing.assert_array_equal(table["fid"], trials["fid"])
    assert list(table["params.optimizer"]) == list(trials["params.optimizer"])


def test_study_json_answers_a_machine(written: Path) -> None:
    summary = json.loads((written.parent / "study.json").read_text())
    trials = builder.results(RUNS).trials
    done = trials[trials["outcome"] == "complete"]
    best = done.loc[done["fid"].idxmin()]
    assert summary["best"]["number"] == best["number"]
    assert summary["best"]["scores"]["fid"] == best["fid"]
    assert summary["best"]["config"]["learning_rate"] == best["params.learning_rate"]
    assert "g_loss" not in summary["best"]["scores"]
    assert summary["counts"]["complete"] == len(done)
    assert summary["evaluation"]["classifier"]["sha256"] == "cd" * 32
    assert summary["untrained"]["fid"] == 400.0


def test_missing_scores_are_null_in_study_json() -> None:
    runs = [builder.record(0), builder.record(1, fid=99.0, kid=float("inf"), mode_jsd=0.1)]
    assert "kid" in (scores := summarise(analyse(builder.results(runs)))["best"]["scores"])
    assert scores["kid"] is scores["mode_jsd"] is None


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the page's words: pictures take most of its time, and the others draw them."""
    monkeypatch.setattr(page_module, "render", lambda plot, results: [])


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"


@pytest.mark.usefixtures("no_pictures")
def test_text_from_the_runs_stays_text() -> None:
    runs = [
        builder.record(0, config={"dataset": EVIL}),
        builder.record(1, "failed", fid=None, tags={"failure": EVIL}),
    ]
    evaluation = {
        "dataset": {"name": EVIL},
        EVIL: {EVIL: EVIL},
        "metrics": {EVIL: {"summary": EVIL, "source": EVIL, "unit": EVIL}},
    }
    spec = builder.spec(question=EVIL, base={"images": 100_000, "dataset": EVIL})
    changes = {"evaluation": evaluation, "gaps": (EVIL,), "environment": {EVIL: [EVIL]}}
    page = Page(render_page(analyse(builder.results(runs, spec, **changes))))
    assert page.all("script") == [{}]
    assert page.script == OWN_SCRIPT
    assert all(str(image["src"]).startswith("data:") for image in page.all("img"))
    assert page.text.count("<script>alert(1)</script>") >= 8


@pytest.mark.usefixtures("no_pictures")
def test_what_the_late_score_averages_is_said_once() -> None:
    runs = [builder.record(n, fid=5.0 + n, fid_late=6.0, fid_late_spread=0.1) for n in range(3)]
    spec = builder.spec(search={"num_trials": 3, "minimize": "fid_late"})
    page = Page(render_page(analyse(builder.results(runs, spec))))
    assert " ".join(page.text.split()).count(LATE_WORDS) == 1


@pytest.mark.parametrize(
    ("runs", "changes", "says"),
    [
        ([], {}, "no trial was run"),
        ([builder.record(n, "failed", fid=None) for n in range(3)], {}, "no trial was completed"),
        ([builder.record(0)], {}, "the only one that was completed"),
        ([builder.record(0)], {"study": builder.spec({})}, "No field was searched"),
        (
            [builder.record(0)],
            {
                "evaluation": {},
                "untrained": {},
                "environment": {},
                "grids": builder.Grids(None, {}),
                "gaps": ("evaluation.json (not recorded)",),
            },
            "Could not be read: evaluation.json (not recorded).",
        ),
        ([builder.record(0, "failed", tags={"failure": "x " * 400})], {}, "x x x"),
    ],
    ids=["none", "failed", "one", "nothing searched", "nothing recorded", "long reason"],
)
@pytest.mark.usefixtures("no_pictures")
def test_unusual_studies_have_a_page(
    runs: list[builder.RunRecord], changes: dict[str, object], says: str
) -> None:
    page = Page(render_page(analyse(builder.results(runs, **changes))))
    assert says in page.text
    assert "nan" not in page.text.lower().split()
    assert "None" not in page.text.split()


@pytest.mark.slow
def test_a_page_of_200_trials_stays_under_its_limit() -> None:
    analysis = analyse(builder.results(builder.random_runs(200)))
    assert len(render_page(analysis)) < 3_000_000


def test_only_pixels_of_a_grid_reach_the_page() -> None:
    assert grid_uri(None) is None
    assert grid_uri(b"not an image") is None
    assert grid_uri(b"GIF89a" + bytes(50)) is None
    assert grid_uri(builder.png(1)[:60]) is None
    hidden = builder.png(1) + b"<script>"
    uri = grid_uri(hidden)
    assert uri is not None
    assert b"<script>" not in base64.b64decode(uri.split(",")[1])


def test_a_grid_keeps_its_pixels_unless_it_is_too_large() -> None:
    for side, shown in ((112, 112), (900, MAX_GRID_PIXELS)):
        uri = grid_uri(builder.png(1, side))
        assert uri is not None
        image = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
        assert image.size == (shown, shown)
    original = np.asarray(Image.open(io.BytesIO(builder.png(1))))
    decoded = Image.open(io.BytesIO(base64.b64decode(str(grid_uri(builder.png(1))).split(",")[1])))
    np.testing.assert_array_equal(np.asarray(decoded), original)
