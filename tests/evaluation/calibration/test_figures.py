"""The figures of a calibration: shades of the heat map, and curves by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.evaluation.calibration.figures import HEIGHT, WIDTH, panels, shade


@pytest.mark.parametrize(
    ("auroc", "wanted"), [(0.5, 0), (1.0, 5), (0.0, -5), (0.7, 2), (0.3, -2), (0.52, 0)]
)
def test_a_shade_says_how_much_is_told_apart_and_in_which_direction(auroc: float, wanted: int):
    assert shade(auroc) == wanted


def test_a_panel_has_a_curve_of_every_score_and_names_the_best():
    scores = {"fid": [0.5, 1.0], "kid": [0.75, 1.0], "recall": [0.25, 0.5], "density": [0.5, 0.0]}
    rows = [
        (score, "blurred_images", dose, size, 0.0, auroc if size == 500 else 0.9, 0.0)
        for score, aurocs in scores.items()
        for dose, auroc in zip((0.5, 1.0), aurocs, strict=True)
        for size in (500, 2_000)
    ]
    columns = ["metric", "plant", "dose", "size", "threshold", "auroc", "detected"]
    (panel,) = panels(pd.DataFrame(rows, columns=columns))
    assert panel.title == "blurred images"
    assert panel.named == ["kid", "fid", "recall"]
    assert [text for _, text in panel.doses] == ["0.5", "1 pixels"]
    curves = {curve.score: curve for curve in panel.curves}
    # Two doses lie at a fourth and three fourths of the width; an AUROC of 1 is at the top.
    x1, x2 = WIDTH / 4, 3 * WIDTH / 4
    assert curves["fid"].points == f"{x1:g},{HEIGHT / 2:g} {x2:g},0"
    assert {name: curve.place for name, curve in curves.items()} == {
        "kid": 1,
        "fid": 2,
        "recall": 3,
        "density": 0,
    }
    assert panel.curves[-1].score == "kid"  # drawn last, so that it lies on top
