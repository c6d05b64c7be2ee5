"""The page of claims: every claim with its verdict and evidence, or named as not run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.reporting.analysis import analyse
from harness.reporting.pages.claims import write_claims
from harness.reporting.pages.fewer_runs import FewerRunsError, runs_behind
from harness.reporting.pages.study import render_page, summarise
from harness.reporting.parts.claims.late_fall import late_fall
from harness.reporting.parts.verdicts import shared_runs
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.verdicts import judge
from harness.search.tuning import tuning_study
from tests.support import reports as builder
from tests.support.html_page import Page
from tests.support.repository import REPOSITORY

FAR = [10.0, 11.0, 9.5, 10.4, 9.8]
NEAR = [20.4, 21.5, 18.9, 21.1, 19.5]
ALARM = {"metrics": {"collapse_probability": {"alarm_level": 0.5}}}


def claim(identity: str, *tests: dict[str, object], **changes: object) -> dict[str, object]:
    declared = {"id": identity, "source": "S4", "text": f"Claim {identity}", "tests": list(tests)}
    return {**declared, **changes}


def compared(name: str, identity: str, unit: list[float | str | None]) -> StudyResults:
    spec = builder.arms_spec(
        name=name, claim=claim(identity, builder.comparison_test(text="A test"))
    )
    runs = builder.arms_runs(centered=FAR, unit=unit)
    pixels = {"unit": {"low": 0.0, "constant_pixels": 67.0}}
    return builder.results(runs, spec, evaluation={**builder.EVALUATION, **ALARM}, pixels=pixels)


WEAK = {
    "kind": "weak_correlation",
    "outcome": "fid",
    "predictor": "g_loss",
    "smallest_effect": 0.5,
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    studies = [
        compared("c01", "C1", [*NEAR]),
        compared("c02", "C2", [builder.FAILED, *NEAR[1:]]),
        builder.results(builder.random_runs(30, seed=2, reports=2), builder.spec(name="c14")),
    ]
    specs = [study.spec for study in studies]
    specs.append(StudySpec("c08", "Losses?").replace(claim=parsed("C8", WEAK, runs_of="c14")))
    specs.append(builder.arms_spec(name="c03", claim=claim("C3", builder.comparison_test())))
    return write_claims(studies, tmp_path_factory.mktemp("reports") / "claims", specs)


def parsed(identity: str, *tests: dict[str, object], **changes: object) -> object:
    return StudySpec.from_dict(
        {"name": "a", "question": "a?", "claim": claim(identity, *tests, **changes)}
    ).claim


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text("utf-8"))


def test_every_claim_stands_there_with_its_verdict(page: Page) -> None:
    assert "4 claims, 4 tests, " in page.text
    assert "runs: 1 supported and 2 undecided. 1 study not run." in page.text
    for words in ("Claim C1", "Claim C2", "Claim C3", "Claim C8", "not run", "Not run."):
        assert words in page.text
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {"c01", "c02", "c03", "c08"} <= ids
    assert {str(a["href"]).removeprefix("#") for a in page.all("a")} <= ids


def test_the_evidence_is_shown(page: Page) -> None:
    assert "failed: 0 of 5 and 1 of 5; " in page.text
    assert "1 of 5 (1% to 72%)" in page.text  # Clopper-Pearson of 1 in 5: 0.5 % to 71.6 %
    assert "to decide: 8 seeds" in page.text
    assert "look 1 of 6, which spends 12.5\N{NO-BREAK SPACE}% of the test's level" in page.text
    assert "a mean correlation of the arms of " in page.text
    assert "0 of 5 with centered, 1 of 5 with unit" in page.text
    assert "constant_" in page.text.replace("\n", "")
    assert "python -m harness.study claims/c14" in page.text
    assert "100,000 images seen" in page.text
    alts = [str(image["alt"]) for image in page.all("img")]
    assert sum("the arm centered" in alt for alt in alts) == 2
    assert all(alts)


def test_the_page_is_as_safe_as_a_studys(page: Page) -> None:
    assert all(str(image["src"]).startswith("data:image/") for image in page.all("img"))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert any("default-src 'none'" in str(meta.get("content")) for meta in page.all("meta"))
    assert "None" not in page.text.split()
    assert "nan" not in page.text.lower().split()


def test_decided_tests_come_first_with_a_sign_and_in_whose_favour_they_are(page: Page) -> None:
    text = " ".join(page.text.split())
    forest = text[text.index("Claims of the notes Each") : text.index("C1: Claim C1")]
    assert forest.index("\N{BLACK UP-POINTING TRIANGLE} supported") < forest.index(
        "\N{WHITE CIRCLE} undecided"
    )
    # Geometric means of 20.28 and 10.12: unit is about twice as far.
    assert "C1 A test" in forest
    assert "centered: +100." in forest
    words = [str(a["aria-label"]) for tag, a in page.elements if tag == "svg"]
    # log(2.00) / log(1.1) = 7.3 smallest effects.
    assert any(word.startswith("7.3 (") for word in words)


def test_a_claim_of_the_literature_has_a_section_of_its_own(tmp_path: Path) -> None:
    study = compared("c16", "C16", [*NEAR])
    declared = claim("C16", builder.comparison_test(), group="literature", caveat="Not all.")
    spec = builder.arms_spec(name="c16", claim=declared)
    results = replace(study, spec=spec)
    page = Page(write_claims([results], tmp_path).read_text("utf-8"))
    assert "Claims of the literature" in page.text
    assert "Claims of the notes" not in page.text
    assert "What the tests do not test. Not all." in page.text


def test_what_arms_were_tuned_to_stands_there_and_is_in_the_table_of_runs(tmp_path: Path) -> None:
    tune = {"factors": [0.25, 1, 3], "seeds": 1}
    spec = builder.arms_spec(tune=tune, claim=claim("C1", builder.comparison_test()))
    scores = {"centered x0.25": [9.0], "centered x1": [8.0], "centered x3": [8.5]}
    scores |= {"unit x0.25": [30.0], "unit x1": [builder.FAILED], "unit x3": [20.0]}
    study = tuning_study(spec)
    runs = [
        replace(run, tags={**run.tags, "trains": "ab" * 32}) for run in builder.arms_runs(**scores)
    ]
    tuning = builder.results(runs, study)
    results = builder.results(builder.arms_runs(centered=FAR, unit=NEAR), spec, tuning=tuning)
    page = Page(write_claims([results], tmp_path).read_text("utf-8"))
    text = " ".join(page.text.split())
    # centered has a rate of 1e-4, unit one of 2e-4.
    assert "centered 9.000 at 2.5e-05 8.000 at 0.0001 8.500 at 0.0003 0.0001 unit" in text
    assert "unit 30.00 at 5e-05 failed at 0.0002 20.00 at 0.0006 0.0006, at the edge" in text
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 1


def test_the_fall_of_fid_in_the_last_half_is_the_ratio_of_the_end_to_the_middle() -> None:
    curves = [[40.0, 20.0, 15.0, 10.0], [30.0, 10.0, 9.0, 8.0]]
    runs = [
        replace(run, history={"fid": [(25_000 * (k + 1), v) for k, v in enumerate(curve)]})
        for run, curve in zip(builder.arms_runs(centered=[1.0, 1.0]), curves, strict=True)
    ]
    results = builder.results(runs, builder.arms_spec())
    assert late_fall(results) == pytest.approx(np.sqrt(0.5 * 0.8))
    # These curves have two reports, of which the first is three times the last.
    two = builder.results(builder.arms_runs(centered=FAR), builder.arms_spec())
    assert late_fall(two) == pytest.approx(1 / 3)
    assert np.isnan(late_fall(builder.results([], builder.arms_spec())))


def test_csv_and_json_hold_one_row_per_test(written: Path) -> None:
    rows = json.loads((written.parent / "claims.json").read_text())["claims"]
    assert [row["claim"] for row in rows] == ["C1", "C2", "C8", "C3"]
    assert rows[0]["verdict"] == "supported"
    assert rows[3]["verdict"] == "not run"
    # The ratio's effect as a share: the geometric means of unit over centered, less one.
    expected = np.exp(np.mean(np.log(NEAR)) - np.mean(np.log(FAR))) - 1
    assert rows[0]["effect"] == pytest.approx(expected)
    assert rows[0]["low"] < rows[0]["effect"] < rows[0]["high"]
    table = pd.read_csv(written.parent / "claims.csv")
    assert list(table["claim"]) == [row["claim"] for row in rows]
    assert table["test.outcome"][0] == "fid"


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        write_claims([compared("c01", "C1", [*NEAR])], tmp_path / name) for name in ("a", "b")
    )
    for name in ("index.html", "claims.csv", "claims.json"):
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()


def test_without_a_run_there_is_no_page(tmp_path: Path) -> None:
    spec = builder.arms_spec(claim=claim("C1", builder.comparison_test()))
    begun = builder.results([builder.record(0, "running", tags={"arm": "unit"})], spec)
    for results in ([], [begun]):
        with pytest.raises(InputError, match="no run of a claim has ended"):
            write_claims(results, tmp_path / "claims", [spec])
    assert list(tmp_path.iterdir()) == []


def test_tests_that_were_not_run_have_their_share_of_the_error(written: Path) -> None:
    rows = json.loads((written.parent / "claims.json").read_text())["claims"]
    assert [row.get("budget") for row in rows] == [0.025 / 4] * 3 + [None]


def test_a_page_of_more_runs_stays_unless_a_person_says_so(tmp_path: Path) -> None:
    before = write_claims([compared("c01", "C1", [*NEAR])], tmp_path).read_bytes()
    fewer = [compared("c01", "C1", [*NEAR[:4], None])]
    with pytest.raises(FewerRunsError, match=r"rests on 10 runs, this one would on 9; .*--force"):
        write_claims(fewer, tmp_path)
    assert (tmp_path / "index.html").read_bytes() == before
    write_claims([compared("c01", "C1", [*NEAR])], tmp_path)
    write_claims(fewer, tmp_path, force=True)
    assert json.loads((tmp_path / "claims.json").read_text())["runs"] == 9


def test_the_runs_of_pages_of_before_are_counted() -> None:
    """The recorded page: 246 runs, as README says; two tests share an arm, two read one search."""
    rows = [
        {"study": "a", "runs": 10, "test": {"better": "x", "than": "y"}},
        {"study": "a", "runs": 10, "test": {"better": "x", "than": "z"}},
        {"study": "s", "runs": 40, "test": {"predictor": "g_loss"}},
        {"study": "s", "runs": 40, "test": {"predictor": "d_loss"}},
        {"study": "b", "verdict": "not run"},
    ]
    assert runs_behind({"claims": rows}) == 15 + 40
    assert runs_behind({"counts": {"complete": 10, "pruned": 12, "interrupted": 1}}) == 22
    assert runs_behind(["no", "summary"]) == 0
    recorded = json.loads(
        (REPOSITORY / "reports" / "recorded" / "claims" / "claims.json").read_text()
    )
    assert runs_behind(recorded) >= 246


def test_tests_that_lean_on_the_same_runs_are_named(page: Page, written: Path) -> None:
    # c01 and c02 train the same arms; each has a test of both.
    assert "Tests that lean on the same runs" in page.text
    table = shared_runs(
        [
            (one.spec.claim, test, one.spec)
            for one in (compared("c01", "C1", [*NEAR]), compared("c02", "C2", [*NEAR]))
            for test in one.spec.claim.tests
        ]
    )
    assert table is not None
    assert table.rows == [
        ["c01: centered, c02: centered", "2", "C1, C2"],
        ["c01: unit, c02: unit", "2", "C1, C2"],
    ]


def test_the_page_of_arms_speaks_of_arms() -> None:
    results = compared("c01", "C1", [*NEAR])
    page = Page(render_page(analyse(results)))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {"tests", "leaderboard", "images", "learning_curves", "states", "trials"} <= ids
    assert not ids & {"parameter_importance", "field_effect", "optimisation_history"}
    assert "Supported: A test." in page.text
    assert "2 arms with the seeds 0 to 4 each" in page.text
    for word in ("searched", "sampler", "Best", "best of"):
        assert word not in page.text, word


def test_study_json_of_arms_holds_the_verdicts() -> None:
    results = compared("c01", "C1", [*NEAR])
    assert results.spec.claim is not None
    found = judge([(results.spec.claim, results.spec.claim.tests[0], results)])[0]
    summary = summarise(analyse(results))
    assert summary["answer"] == "Supported: A test."
    assert summary["tests"][0]["p"] == found.decision.p
    json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("unit", [[None] * 5, [builder.FAILED] * 5, [*NEAR[:1], *[None] * 4]])
def test_unfinished_arms_have_a_page(unit: list[float | str | None]) -> None:
    page = Page(render_page(analyse(compared("c01", "C1", unit))))
    assert "Undecided" in page.text
    assert "nan" not in page.text.lower().split()
