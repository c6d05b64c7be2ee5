"""The MLflow UI in a browser, from the link that a study prints: runs, scores, charts, an image.

The view that the link opens has MLflow's own form, which may change with a version of MLflow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest

from harness.core.schema import FinalState, sample_path
from harness.core.spec.study_spec import StudySpec
from harness.tracking.image_grid import grid_png
from harness.tracking.mlflow_tracker import MlflowTracker
from harness.tracking.stores.layout import Layout
from harness.tracking.ui.server import free_port, running_server
from harness.tracking.ui.view import view_address
from tests.support.browser import chromium, visit
from tests.support.stores import copy_stores

pytestmark = pytest.mark.slow

WIDTH = 1600
PATIENCE = 180_000  # milliseconds: the UI loads megabytes of scripts, beside other tests
SPACE = {"leaky_slope": {"low": 0.0, "high": 0.4}, "optimizer": {"choices": ["adam", "lion"]}}
STEPS = (160, 320, 480, 640)
SPEC = StudySpec.from_dict(
    {
        "name": "shown",
        "question": "Is it shown?",
        "base": {"images": STEPS[-1], "batch_size": 16},
        "space": SPACE,
    }
)
MACHINE = "system/cpu_utilization_percentage"
SECTIONS = ("Quality", "Samples", "Diversity", "Training", "Search")
LINES = "path.js-line"  # a curve of plotly's
CARD = "[data-testid='experiment-view-compare-runs-card']"
STANDS_AT = "step => document.querySelector('[role=slider]').ariaValueNow == step"


class Ui(NamedTuple):
    """A server on a recorded study: the study's printed link, and a run of it."""

    browser: Any
    server: str
    link: str
    experiment_id: str
    run_id: str

    @contextmanager
    def opened(self, address: str) -> Iterator[Any]:
        """The page at ``address``, which is told what to wait for."""
        with visit(self.browser, "about:blank", width=WIDTH) as seen:
            seen.page.set_default_timeout(PATIENCE)
            seen.page.goto(address, wait_until="commit")
            yield seen.page


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory, empty_stores: Layout) -> Iterator[Ui]:
    with chromium() as browser:
        layout = copy_stores(empty_stores, tmp_path_factory.mktemp("ui") / "mlruns")
        experiment_id, run_id = recorded_study(layout)
        port = free_port("127.0.0.1", None)
        with running_server(layout.tracking_uri, layout, "127.0.0.1", port) as server:
            link = server.study_pages(layout.tracking_uri)["shown"]
            yield Ui(browser, server.url, link, experiment_id, run_id)


def recorded_study(layout: Layout) -> tuple[str, str]:
    """A complete study, two trials of three complete: its experiment, and its best run."""
    tracker = MlflowTracker(layout.tracking_uri, layout.artifact_root)
    study = tracker.open_study(SPEC)
    saved, runs = layout.root / "saved.keras", []
    saved.write_bytes(b"weights")
    for number, optimizer in enumerate(("adam", "lion", "adam")):
        config = SPEC.base_config().replace(leaky_slope=0.1 * (number + 1), optimizer=optimizer)
        with study.start_trial(number, config) as run:
            runs.append(run.run_id)
            run.log_dataset("digits", "ab" * 32, "scikit-learn")
            for step in STEPS[: 2 if number == 2 else 4]:
                score = 1_000.0 / step + number
                run.log_metrics({"fid": score, "fid_late": score, "d_loss": 0.5, "g_loss": 1}, step)
                run.log_metrics({MACHINE: 50.0}, step)  # as with --system-metrics
                run.log_samples(grid(number, step), step)
            if number == 2:
                run.finish(FinalState.PRUNED, {"pruned_by": "pruner"})
            else:
                run.log_generator(saved, {"label_shares": []})
                run.finish(FinalState.COMPLETE)
    study.log_best("best_fid_late", {0: 1.5625, 1: 1.5625})
    study.finish("FINISHED")
    tracker.describe("shown", "**Answer.** Trial 0 is shown.", {0: "**Place 1 of 2**"})
    tracker.register_winner("shown", 0, "Trial 0.")
    return study.experiment_id, runs[0]


def grid(number: int, step: int) -> bytes:
    rng = np.random.default_rng([number, step])
    return grid_png(rng.integers(0, 256, (64, 8, 8, 1), np.uint8))


def test_the_link_opens_on_the_trials_and_their_scores_the_best_first(ui: Ui):
    with ui.opened(ui.link) as page:
        page.get_by_text("t00 slope .1 adam").first.wait_for()
        page.get_by_text("pruned", exact=True).first.wait_for()
        text = page.inner_text("body")
        names = re.findall(r"t0\d slope \.\d (?:adam|lion)", text)
        assert names == ["t00 slope .1 adam", "t01 slope .2 lion", "t02 slope .3 adam"]
        assert "1.5625" in text or "1.56" in text  # the last fid_late of trial 0: 1,000 / 640
        for words in ("Answer. Trial 0 is shown.", "fid_late", "leaky_slope"):
            assert words in text, words
        # MLflow marks FAILED and KILLED with a red cross; a pruned trial is neither.
        assert page.locator("[class*='danger'], [class*='CloseCircle']").count() == 0


def test_its_charts_have_lines_in_sections(ui: Ui):
    with ui.opened(f"{ui.link}&compareRunsMode=CHART") as page:
        page.locator(LINES).first.wait_for(state="attached")
        text = page.inner_text("body")
        places = [text.find(name) for name in SECTIONS]
        assert min(places) >= 0
        assert places == sorted(places)
        own = text.find("System metrics")  # MLflow's, made where runs have such metrics
        assert own > max(places)
        assert "cpu_utilization" not in text[:own]
        drawn = page.locator(LINES).evaluate_all("lines => lines.map(x => x.getAttribute('d'))")
        assert any(line.count("L") >= 3 or line.count(",") >= 4 for line in drawn), drawn


def test_a_person_steps_through_the_samples_of_the_trials(ui: Ui):
    with ui.opened(f"{ui.link}&compareRunsMode=CHART") as page:
        card = page.locator(CARD).filter(has_text="samples")
        assert shown_steps(card, 2) == {640}  # the pruned trial has none there
        card.get_by_role("slider").focus()
        for step in (480, 320):
            page.keyboard.press("ArrowLeft")
            page.wait_for_function(STANDS_AT, arg=step)
        assert shown_steps(card, 3) == {320}
        assert "pixel_scaling=" not in card.inner_text()  # fields would fill the card


def shown_steps(card: Any, number: int) -> set[int]:
    """The images_seen of ``number`` grids that the card shows, each at a size to be looked at."""
    card.locator("img").nth(number - 1).wait_for()
    read = "images => images.map(x => [x.src, x.naturalWidth, x.width])"
    seen = card.locator("img").evaluate_all(read)
    assert all(min(sizes) >= 200 for _, *sizes in seen), seen
    return {int(re.search(r"samples(?:%2B|\+)step(?:%2B|\+)(\d+)", src)[1]) for src, *_ in seen}


def test_a_run_shows_its_description_and_an_image(ui: Ui):
    run = f"{ui.server}/#/experiments/{ui.experiment_id}/runs/{ui.run_id}"
    with ui.opened(run) as page:
        page.get_by_text("Place 1 of 2").first.wait_for()
        page.get_by_text("digits").first.wait_for()
    with ui.opened(f"{run}/artifacts/{sample_path(640)}") as page:
        page.wait_for_function(
            "() => [...document.images].some(x => x.complete && x.naturalWidth >= 64"
            " && !x.src.endsWith('.svg') && !x.src.includes('static-files'))"
        )


def test_models_and_registry_list_the_generators_and_the_winner(ui: Ui):
    models = f"{ui.server}/#/experiments/{ui.experiment_id}/models?workflowType=machine_learning"
    with ui.opened(models) as page:
        page.get_by_text("generator-t00").first.wait_for()
        page.get_by_text("generator-t01").first.wait_for()
    with ui.opened(f"{ui.server}/#/models") as page:
        page.get_by_text("shown-generator").first.wait_for()
        page.get_by_text("winner").first.wait_for()


def test_without_the_view_the_plain_parameters_list_the_trials_the_best_first(ui: Ui):
    with ui.opened(ui.server + view_address(ui.experiment_id, {})) as page:
        page.get_by_text("t02 slope .3 adam").first.wait_for()
        names = re.findall(r"t0\d slope \.\d (?:adam|lion)", page.inner_text("body"))
        assert names == ["t00 slope .1 adam", "t01 slope .2 lion", "t02 slope .3 adam"]
