"""What holds for every registered plot, whatever the study holds."""

from __future__ import annotations

import base64
import dataclasses
import io
import itertools
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from harness.core.registry import PLOTS
from harness.reporting.drawing.theme import VARIANTS, darken, theme
from harness.reporting.parts.figures import HALF, draw_figure, figure_data, render
from harness.reporting.plots import Plot, split_panels
from harness.reporting.results.tables import StudyResults
from tests.support import reports as builder


def _scored(run: builder.RunRecord) -> builder.RunRecord:
    """``run`` with every score that some plot shows, made of its fid."""
    scores = {
        "precision": lambda fid: 1 - fid / 500,
        "recall": lambda fid: 0.9 - fid / 500,
        "d_real_accuracy": lambda fid: 0.5 + fid / 1_000,
        "d_fake_accuracy": lambda fid: 0.6 + fid / 1_000,
    }
    history = {name: [(x, f(y)) for x, y in run.history["fid"]] for name, f in scores.items()}
    return dataclasses.replace(run, history={**run.history, **history})


MIXED = [_scored(run) for run in builder.random_runs(24, seed=1, reports=4)]
STUDIES = {
    "no trials": lambda: builder.results([]),
    "one trial": lambda: builder.results([builder.record(0, fid=[90.0, 12.0], g_loss=1.0)]),
    "all failed": lambda: builder.results(
        [builder.record(n, "failed", fid=None) for n in range(3)]
    ),
    "all pruned": lambda: builder.results([builder.record(n, "pruned") for n in range(3)]),
    "running": lambda: builder.results([builder.record(0, "running", fid=None)]),
    "mixed": lambda: builder.results(MIXED),
    "200 trials": lambda: builder.results(builder.random_runs(200)),
    "no field searched": lambda: builder.results(MIXED[:5], builder.spec({})),
    "nothing recorded": lambda: builder.results(MIXED[:5], evaluation={}, untrained={}),
    "equal scores": lambda: builder.results([builder.record(n) for n in range(12)]),
    "negative scores": lambda: builder.results(
        [builder.record(n, kid=0.01 * n - 0.02) for n in range(5)],
        builder.spec(search={"minimize": "kid"}),
    ),
}


@pytest.fixture(params=PLOTS.names())
def plot(request: pytest.FixtureRequest) -> Plot:
    found = PLOTS.get(request.param)
    assert isinstance(found, Plot)
    return found


OFTEN = ("no trials", "one trial", "all failed", "mixed", "no field searched", "nothing recorded")
"""The studies of the first tier; drawing takes most of its time."""


@pytest.fixture(
    params=[
        name if name in OFTEN else pytest.param(name, marks=pytest.mark.slow) for name in STUDIES
    ]
)
def results(request: pytest.FixtureRequest) -> StudyResults:
    return STUDIES[request.param]()


def test_every_study_can_be_drawn_and_told_in_words(plot: Plot, results: StudyResults) -> None:
    before = dict(mpl.rcParams)
    frame = plot.summarise(results)
    for part in split_panels(frame).values() or [frame]:
        drawn_from = part.copy()
        figure = draw_figure(plot, drawn_from, HALF, "light")
        figure.draw_without_rendering()
        assert len(figure.axes) == 1
        pd.testing.assert_frame_equal(part, drawn_from)
    assert dict(mpl.rcParams) == before
    assert plot.caption(results).endswith((".", "%."))
    assert "nan" not in plot.caption(results).split()


def test_summarising_changes_nothing(plot: Plot) -> None:
    results = builder.results(MIXED)
    trials, history = results.trials.copy(), results.history.copy()
    first, second = plot.summarise(results), plot.summarise(results)
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(results.trials, trials)
    pd.testing.assert_frame_equal(results.history, history)


@pytest.mark.slow  # the first tier has the page with all of them: reporting/pages/test_study.py
def test_the_same_study_gives_the_same_bytes(plot: Plot) -> None:
    results = builder.results(MIXED[:4])
    assert render(plot, results) == render(plot, results)


def test_captions_say_how_many_trials(plot: Plot) -> None:
    assert "n = " in plot.caption(builder.results(MIXED))


def test_a_figure_says_a_finding_with_numbers_and_leaves_its_data(plot: Plot) -> None:
    results = builder.results(MIXED)
    frame = plot.summarise(results)
    for name, part in split_panels(frame).items():
        assert re.search(r"[0-9]", plot.finding(part)), name
        assert "nan" not in plot.finding(part).split()
    assert len(pd.read_csv(io.StringIO(figure_data(plot, results)))) == len(frame) > 0


def test_the_page_can_point_at_each_trial_that_a_plot_draws(plot: Plot) -> None:
    frame = plot.summarise(builder.results(MIXED))
    assert (plot.marks is None) == ("trial" not in frame)
    for part in split_panels(frame).values():
        if plot.marks is not None:
            found = plot.marks(part)
            assert list(found.columns) == ["trial", "x", "y"]
            assert set(found["trial"]) == set(part["trial"])


def _scatter_colors(plot: Plot, runs: list[builder.RunRecord]) -> set[str]:
    """The colours of all points that belong to one outcome."""
    frame = plot.summarise(builder.results(runs))
    found = set()
    for part in split_panels(frame).values():
        figure = draw_figure(plot, part, HALF, "light")
        for artist in figure.axes[0].collections:
            if isinstance(artist, PathCollection):
                found |= {to_hex(color) for color in artist.get_facecolor()}
                found |= {to_hex(color) for color in artist.get_edgecolor()}
        found |= {to_hex(patch.get_facecolor()) for patch in figure.axes[0].patches}
    return found


def test_an_outcome_has_its_colour_whichever_others_there_are(plot: Plot) -> None:
    with theme("light"):
        failed = to_hex("C3")
    alone = [builder.record(n, "failed", fid=None) for n in range(3)]
    others = [builder.record(n, o) for n, o in enumerate(("pruned", "complete", "running"), 3)]
    if plot.title in ("How the trials ended", "Optimisation history", "Each searched field"):
        assert failed in _scatter_colors(plot, alone)
        assert failed in _scatter_colors(plot, others + alone)
    assert failed not in _scatter_colors(plot, others)


@pytest.mark.parametrize("variant", VARIANTS)
def test_text_has_contrast_on_its_paper(variant: str) -> None:
    paper = {"light": "#fcfbf8", "dark": "#171815"}[variant]  # --paper of page.css
    with theme(variant):
        roles = [f"C{n}" for n in range(7)]
        colors = {role: to_hex(role) for role in roles} | {
            "text": to_hex(mpl.rcParams["text.color"])
        }
    for role, color in colors.items():
        least = 4.5 if role in ("text", "C6") else 3.0  # WCAG 2.2: 1.4.3 for text, 1.4.11 else
        assert _contrast(color, paper) >= least, role


SEEN_AS = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""Machado et al. 2009, table 1, severity 1: how linear RGB is seen."""


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", SEEN_AS)
def test_outcomes_are_told_apart_by_the_colour_blind(variant: str, kind: str) -> None:
    """CIE 1976 colour differences; about 2 is just noticed side by side, 9 at a glance."""
    with theme(variant):
        colors = [np.array(_linear(to_hex(f"C{n}"))) for n in range(6)]
    seen = [_lab(np.clip(np.array(SEEN_AS[kind]) @ color, 0, 1)) for color in colors]
    pairs = itertools.combinations(range(6), 2)
    assert min(np.linalg.norm(seen[one] - seen[other]) for one, other in pairs) > 9


def _lab(linear: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear sRGB."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.array(to_xyz) @ linear / np.array([0.9505, 1.0, 1.089])
    f = [c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, WCAG 2.2."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _linear(color: str) -> list[float]:
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def _luminance(color: str) -> float:
    linear = _linear(color)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_darkened_figure_looks_as_if_drawn_on_dark_paper(plot: Plot) -> None:
    frame = plot.summarise(builder.results(MIXED))
    part = next(iter(split_panels(frame).values()))
    light, dark = (draw_figure(plot, part, HALF, variant) for variant in VARIANTS)
    before, _ = _pixels(light, "light"), _pixels(dark, "dark")  # the first lays out
    darken(light)
    found, wanted = (_pixels(figure, "dark") for figure in (light, dark))
    assert np.abs(found - before).max() > 20
    assert np.abs(found - wanted).max() <= 2  # of 255: colours of ranks are rounded


def _pixels(figure: Figure, variant: str) -> np.ndarray:
    """The figure as drawn, (height, width, 4)."""
    file = io.BytesIO()
    with theme(variant):
        figure.savefig(file, format="png", dpi=96)
    return np.asarray(Image.open(file), dtype=np.int64)


def _near(color: str, colors: set[str]) -> str:
    """The one of ``colors`` that no eye tells from ``color``: ranks are colours of a long map."""

    def distance(other: str) -> int:
        pairs = zip(bytes.fromhex(color[1:]), bytes.fromhex(other[1:]), strict=True)
        return max(abs(one - two) for one, two in pairs)

    nearest = min(colors, key=distance)
    return nearest if distance(nearest) <= 2 else color


@pytest.mark.parametrize("name", ["field_pairs", "optimisation_history"])
def test_the_dark_picture_has_the_colours_of_the_dark_theme(name: str) -> None:
    """A picture is drawn once: the dark one has the colours that drawing it again would give."""
    plot = PLOTS.get(name)
    frame = next(iter(split_panels(plot.summarise(builder.results(MIXED))).values()))

    def colors(text: str) -> list[str]:
        return re.findall(r"#[0-9a-f]{6}", text)

    with theme("dark"):
        file = io.StringIO()
        draw_figure(plot, frame, HALF, "dark").savefig(file, format="svg")
    (panel, *_) = render(plot, builder.results(MIXED))
    picture = panel.narrow or panel.picture
    light, dark = (
        base64.b64decode(uri.split(",")[1]).decode() for uri in (picture.light, picture.dark)
    )
    drawn, made = set(colors(file.getvalue())), set(colors(dark))
    assert {_near(color, drawn) for color in made} == drawn
    ranks = {to_hex(color) for color in mpl.colormaps["crest"](range(256))}  # in both, reversed
    assert set(colors(light)) & set(colors(dark)) <= {"#000000", *ranks}
