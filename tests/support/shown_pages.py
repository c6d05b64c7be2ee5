"""One page of every kind, made of simulated studies: ``python -m tests.support.shown_pages FOLDER``
writes them, and pictures of each as a phone, a laptop, a dark screen and a printer show it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.spec.study_spec import StudySpec
from harness.reporting.pages.claims import write_claims
from harness.reporting.pages.comparison import write_comparison
from harness.reporting.pages.index import write_index
from harness.reporting.pages.study import write_report
from harness.reporting.results.tables import RunRecord, StudyResults
from harness.tracking.image_grid import grid_png
from tests.support import reports as builder
from tests.support.browser import DESKTOP, PHONE, chromium, visit

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'</title></style>`${alert(1)}"
LONG = "a" * 160 + "_" + "b" * 160 + EVIL
ALARM = {"direction": "minimize", "low": 0.0, "high": 1.0, "alarm_level": 0.5}
RECORDS = {**builder.EVALUATION["metrics"], "collapse_probability": ALARM}
EVALUATION: dict[str, Any] = {**builder.EVALUATION, "metrics": RECORDS}
PAGES = ("demo", "hostile", "arms", "demo+other", "claims")
"""The folders of the pages, beside the index."""


class Film(builder.Grids):
    """Nine grids of 64 images of 28 pixels for each run: noise that gives way to a disc."""

    def __init__(self) -> None:
        super().__init__(_images(9, 1.0), {})

    def steps(self, run_id: str) -> list[int]:
        return [round(100_000 * k / 9) for k in range(1, 10)]

    def last(self, run_id: str, images_seen: int | None = None) -> bytes | None:
        seed = sum(run_id.encode())
        return _images(seed, (images_seen or 100_000) / 100_000)

    def image(self, run_id: str, path: str) -> bytes | None:
        return _images(sum(path.encode()), 1.0)

    def record(self, run_id: str, path: str) -> dict[str, Any]:
        return {
            "num_training": 1_257,
            "num_held_out": 540,
            "held_out_median": 1.75,
            "distances": [1.5 + k / 10 for k in range(16)],
            "held_out_nearer": [k / 15 for k in range(16)],
        }


def _images(seed: int, done: float) -> bytes:
    rng = np.random.default_rng(seed)
    noise = rng.uniform(0, 255, (64, 28, 28, 1))
    centre = rng.uniform(9, 19, (2, 64, 1, 1, 1))
    rows, columns = np.mgrid[:28, :28]
    far = np.hypot(rows[None, ..., None] - centre[0], columns[None, ..., None] - centre[1])
    return grid_png((done * 255 * (far < 7) + (1 - done) * noise).astype(np.uint8))


def scored(run: RunRecord) -> RunRecord:
    """``run`` with every score that some plot or gallery shows, made of its fid."""
    scores = {
        "precision": lambda fid: 1 - fid / 500,
        "recall": lambda fid: 0.9 - fid / 500,
        "d_real_accuracy": lambda fid: min(1.0, 0.5 + fid / 1_000),
        "d_fake_accuracy": lambda fid: min(1.0, 0.6 + fid / 1_000),
        "collapse_probability": lambda fid: float(fid > 40),
        "authentic_fraction": lambda fid: 1 - fid / 1_000,
        "copying_ct": lambda fid: fid / 100,
    }
    history = {name: [(x, f(y)) for x, y in run.history["fid"]] for name, f in scores.items()}
    return dataclasses.replace(run, history={**run.history, **history})


def study(name: str = "demo", trials: int = 14, seed: int = 5, **changes: Any) -> StudyResults:
    """A search with a confirmation, whose page has every part."""
    runs = [scored(run) for run in builder.random_runs(trials, seed=seed, reports=4)]
    spec = builder.spec(name=name, confirm={"top": 2, "seeds": 3})
    found = builder.results(runs, spec, **{"grids": Film(), "evaluation": EVALUATION, **changes})
    arms = [f"trial-{number:03d}" for number in found.ranked["number"].head(2)]
    fresh = builder.arms_runs(
        **dict(zip(arms, ([9.0, 10.0, 11.0], [12.0, 12.5, 14.0]), strict=True))
    )
    again = builder.results(fresh, builder.arms_spec(arms, name=f"{name}-confirm"))
    return dataclasses.replace(found, confirmation=again)


def hostile() -> StudyResults:
    """A search of whose texts each is EVIL or LONG, wherever a table can hold any text."""
    space = {**builder.SPACE, "architecture": {"choices": ["tutorial", "mlp"]}}
    runs = []
    for run in builder.random_runs(9, seed=3, reports=3):
        ended = {"failure": LONG} if run.status == "FAILED" else {}
        params = {**run.params, "dataset": LONG, "architecture": (EVIL, LONG)[run.number % 2]}
        runs.append(dataclasses.replace(scored(run), params=params, tags={**run.tags, **ended}))
    spec = builder.spec(space, name="hostile", question=LONG, base={"images": 100_000})
    metrics = {**RECORDS, EVIL: {"summary": LONG, "source": EVIL, "unit": EVIL}}
    evaluation = {**EVALUATION, EVIL: {EVIL: LONG}, "dataset": {"name": LONG}, "metrics": metrics}
    changes = {"evaluation": evaluation, "gaps": (EVIL, LONG), "environment": {EVIL: [LONG]}}
    return builder.results(runs, spec, grids=Film(), **changes)


def arms(name: str = "arms", identity: str = "C1") -> StudyResults:
    """A study of two arms with a claim and what the scalings do to the pixels."""
    claim = {"id": identity, "source": "S4", "text": LONG, "tests": [builder.comparison_test()]}
    fids = {"centered": [10.0, 11.0, 9.5, 10.4, 9.8], "unit": [20.4, 21.5, 18.9, 21.1, 19.5]}
    spec = builder.arms_spec(name=name, claim=claim)
    pixels = {"unit": {"low": 0.0, "constant_pixels": 67.0}}
    runs = builder.arms_runs(**fids)
    return builder.results(runs, spec, evaluation=EVALUATION, pixels=pixels, grids=Film())


def write_pages(folder: Path) -> None:
    """Write PAGES and their index.html into ``folder``."""
    one, other, compared = study(), study("other", seed=6), [arms(), arms("c02", "C2")]
    for results in (one, hostile(), compared[0]):
        write_report(results, folder / results.spec.name)
    write_comparison([one, other], folder / "demo+other")
    specs = [*(each.spec for each in compared), StudySpec.from_dict(NOT_RUN)]
    write_claims(compared, folder / "claims", specs)
    write_index(folder)


NOT_RUN = {
    "name": "c03",
    "question": EVIL,
    "seeds": 5,
    "arms": {"a": {}, "b": {"batch_size": 64}},
    "claim": {
        "id": "C3",
        "source": EVIL,
        "text": EVIL,
        "tests": [builder.comparison_test(better="a", than="b")],
    },
}


def main(folder: Path) -> None:
    """The pages and their pictures, NAME-WIDTH.png, NAME-dark.png and NAME.pdf."""
    write_pages(folder)
    with chromium() as browser:
        for name in ("", *PAGES):
            url, picture = (folder / name / "index.html").as_uri(), folder / (name or "index")
            for width, dark in ((390, False), (DESKTOP, False), (DESKTOP, True), (PHONE, True)):
                with visit(browser, url, width=width, dark=dark) as seen:
                    file = f"{picture}-{width}{'-dark' * dark}.png"
                    seen.page.screenshot(path=file, full_page=True)
            with visit(browser, url) as seen:
                seen.page.pdf(path=f"{picture}.pdf", format="A4")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
