"""From responses to findings, on made-up responses whose answers are known; and their page."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.core.errors import HarnessError
from harness.evaluation.calibration.analysis import (
    PARTS,
    REAL,
    Findings,
    Measured,
    alarm_table,
    fit,
    sensitivity,
    smallest_doses,
)
from harness.evaluation.calibration.page import headline, render_page
from harness.evaluation.calibration.planted import PLANTS

OWN = {"modes_captured": 10.0, "mode_jsd": 0.0, "support_size": 10_000.0, "ms_ssim": 0.4}
SIZES = (500, 1_000)


def _scores(plant: str, dose: float, rng: np.random.Generator) -> dict[str, float]:
    """What the scores would be: each plant moves its own one, real samples vary by a percent."""
    wobble = 1 + 0.01 * rng.standard_normal()
    lost = dose if plant == "dropped_classes" else 0.0
    support = min(1 / dose, 1e4) if plant == "repeated_images" else 1e4
    moved = dose if plant in ("shrunken_classes", "few_exemplars") else 0.0
    return {
        "modes_captured": 10.0 - round(10 * lost),
        "mode_jsd": 0.4 * (lost + (dose if plant == "imbalanced_classes" else 0.0)),
        "support_size": support * wobble,
        "ms_ssim": 0.4 * wobble + 0.5 * moved,
    }


def _measured() -> Measured:
    rng = np.random.default_rng(0)
    doses = [(REAL, 0.0, 30)]
    doses += [(name, dose, 3) for name, plant in PLANTS.items() for dose in plant.doses]
    rows = [
        {
            "plant": plant,
            "dose": dose,
            "collapsed": False if plant == REAL else PLANTS[plant].verdict(dose),
            "part": part,
            "size": size,
            **_scores(plant, dose, rng),
        }
        for plant, dose, times in doses
        for part in PARTS
        for size in SIZES
        for _ in range(times)
    ]
    return Measured(pd.DataFrame(rows), OWN)


@pytest.fixture(scope="module")
def findings() -> Findings:
    provenance = {"command": "the command", "dataset": "made <b>up</b>"}
    return Findings.of(_measured(), list(OWN), provenance)


def test_the_fitted_alarm_tells_collapsed_from_real(findings: Findings) -> None:
    assert min(findings.model.coefficients.values()) > 0
    table = findings.alarm
    assert (table.loc[table["plant"] == REAL, "alarms"] == 0).all()
    assert (table.loc[table["plant"] == REAL, "n"] == 30).all()  # part check alone
    seen = table[table["collapsed"].eq(True)].groupby("plant")["alarms"].mean()
    assert seen["dropped_classes"] == seen["repeated_images"] == 1.0


def test_the_fit_knows_nothing_of_the_other_part_nor_of_open_doses() -> None:
    measured = _measured()
    changed = measured.responses.copy()
    other = (changed["part"] == "check") | changed["collapsed"].isna()
    changed.loc[other, list(OWN)] = 1.0
    assert fit(Measured(changed, OWN)) == fit(measured)


def test_an_alarm_that_is_not_monotone_is_an_error() -> None:
    measured = _measured()
    upside_down = measured.responses.copy()
    upside_down["collapsed"] = upside_down["collapsed"].map({True: False, False: True})
    with pytest.raises(HarnessError, match="not monotone"):
        fit(Measured(upside_down, OWN))


def _responses(null: list[float], doses: dict[float, list[float]]) -> Measured:
    """Responses of ms_ssim (lower is better) to one plant, the same in both parts."""
    rows = [(REAL, 0.0, value) for value in null]
    rows += [("few_exemplars", dose, value) for dose, values in doses.items() for value in values]
    frames = [
        pd.DataFrame(rows, columns=["plant", "dose", "ms_ssim"]).assign(part=p) for p in PARTS
    ]
    return Measured(pd.concat(frames).assign(size=500), OWN)


def test_threshold_auroc_and_detection_by_hand() -> None:
    null = [k / 100 for k in range(1, 101)]
    table = sensitivity(_responses(null, {0.1: [0.5, 0.97], 0.5: [0.96, 2.0]}), ["ms_ssim"])
    # numpy's linear quantile of 0.01 .. 1.00 at 0.95: 0.01 + 0.95 * 0.99.
    assert table["threshold"].tolist() == pytest.approx([0.9505, 0.9505])
    assert table["detected"].tolist() == [0.5, 1.0]
    # 0.5 beats 49 of 100 and ties one, 0.97 beats 96 and ties one; 0.96 beats 95 and ties one.
    assert table["auroc"].tolist() == pytest.approx([(49.5 + 96.5) / 200, (95.5 + 100) / 200])


def test_higher_is_better_turns_the_comparison_round() -> None:
    measured = _responses([0.9, 1.0], {0.5: [0.1]})
    measured.responses["recall"] = measured.responses.pop("ms_ssim")
    row = sensitivity(measured, ["recall"]).iloc[0]
    assert row["threshold"] == pytest.approx(0.905)
    assert (row["auroc"], row["detected"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("detected", "smallest"),
    [
        ([1.0, 1.0, 1.0], 0.1),
        ([0.5, 0.95, 1.0], 0.2),
        ([1.0, 0.9, 1.0], 0.3),  # a dose is seen only if all larger ones are
        ([1.0, 1.0, 0.0], math.nan),
    ],
)
def test_the_smallest_dose_from_which_on_all_are_seen(detected: list, smallest: float) -> None:
    table = pd.DataFrame({"dose": [0.1, 0.2, 0.3], "detected": detected})
    found = smallest_doses(table.assign(metric="fid", plant="few_exemplars", size=500))
    assert found["dose"].tolist() == pytest.approx([smallest], nan_ok=True)


def test_the_page_answers_the_question(findings: Findings) -> None:
    page = render_page(findings)
    assert page == render_page(findings)
    assert headline(findings) in page
    assert "made &lt;b&gt;up&lt;/b&gt;" in page
    assert "<script" not in page
    for name, plant in PLANTS.items():
        assert name.replace("_", " ") in page.lower()
        assert plant.words(plant.doses[-1]) in page
    assert all(metric in page for metric in OWN)


def test_the_headline_counts_real_and_collapsed_samples(findings: Findings) -> None:
    table = alarm_table(findings.measured, findings.model)
    collapsed = table[table["collapsed"].eq(True)]
    seen = round((collapsed["n"] * collapsed["alarms"]).sum())
    assert headline(findings) == (
        f"0 false alarms on 60 held-out real samples; {seen} collapses seen of "
        f"{collapsed['n'].sum()} planted ones."
    )


def test_the_model_is_ready_for_its_file(findings: Findings, tmp_path: Path) -> None:
    values = json.loads(json.dumps(findings.model.to_dict()))
    assert values["provenance"]["command"] == "the command"
