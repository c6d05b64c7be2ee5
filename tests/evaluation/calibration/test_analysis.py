"""From responses to findings, on made-up responses whose answers are known; and their page."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.core.errors import InputError
from harness.evaluation.calibration.analysis import (
    Findings,
    Measured,
    alarm_table,
    confusion_table,
    sensitivity,
    smallest_doses,
)
from harness.evaluation.calibration.fit import PARTS, REAL, fit
from harness.evaluation.calibration.page import headline, render_page
from harness.evaluation.calibration.planted import PLANTS
from harness.evaluation.calibration.snapshots import read_snapshots
from harness.evaluation.collapse import CollapseModel, evidence

OWN = {"modes_captured": 10.0, "mode_jsd": 0.0, "support_size": 10_000.0, "ms_ssim": 0.4}
OWN |= {"vendi_ratio": 1.0, "precision": 1.0}
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
        "vendi_ratio": (1 - 0.8 * lost) * wobble,
        "precision": 0.8 * wobble,
    }


def _snapshots() -> pd.DataFrame:
    """Four labelled snapshots of two datasets each, as plain as they can be."""
    seen = {
        "good": {},
        "poor": {"modes_captured": 6.0, "mode_jsd": 0.2, "precision": 0.1},
        "collapsed": {"support_size": 30.0, "ms_ssim": 0.8, "vendi_ratio": 0.3, "precision": 0.1},
        "untrained": {"support_size": 1.0, "ms_ssim": 1.0, "vendi_ratio": 0.1, "precision": 0.0},
    }
    return pd.DataFrame(
        {
            "study": "s",
            "trial": trial,
            "images_seen": 100,
            "dataset": dataset,
            **evidence({**OWN, **scores}, OWN),
            "label": label,
        }
        for trial, dataset in enumerate(["digits", "mnist"])
        for label, scores in seen.items()
    )


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
            **(scores := _scores(plant, dose, rng)),
            **evidence(scores, OWN),
        }
        for plant, dose, times in doses
        for part in PARTS
        for size in SIZES
        for _ in range(times)
    ]
    return Measured(pd.DataFrame(rows), _snapshots(), "mnist")


@pytest.fixture(scope="module")
def findings() -> Findings:
    provenance = {"command": "the command", "dataset": "made <b>up</b>"}
    return Findings.of(_measured(), list(OWN), provenance)


def test_the_fitted_alarm_tells_collapsed_from_real(findings: Findings) -> None:
    assert min(findings.model.collapsed.coefficients.values()) >= 0
    table = findings.alarm
    assert (table.loc[table["plant"] == REAL, "alarms"] == 0).all()
    assert (table.loc[table["plant"] == REAL, "n"] == 30).all()  # part check alone
    seen = table[table["collapsed"].eq(True)].groupby("plant")["alarms"].mean()
    assert seen["dropped_classes"] == seen["repeated_images"] == 1.0


def test_the_fit_knows_nothing_of_the_other_part_nor_of_open_doses() -> None:
    measured = _measured()
    changed = measured.responses.copy()
    other = (changed["part"] == "check") | changed["collapsed"].isna()
    changed.loc[other, ["lost_classes", "likeness"]] = 0.5
    assert fit(changed, measured.snapshots) == fit(measured.responses, measured.snapshots)


def test_no_coefficient_is_negative_whatever_is_fitted() -> None:
    measured = _measured()
    upside_down = measured.responses.copy()
    upside_down["collapsed"] = upside_down["collapsed"].map({True: False, False: True})
    collapsed, _ = fit(upside_down, measured.snapshots)
    assert min(collapsed.coefficients.values()) >= 0


def test_a_fit_takes_good_and_poor_snapshots() -> None:
    measured = _measured()
    alike = measured.snapshots[measured.snapshots["label"] != "poor"]
    with pytest.raises(InputError, match="labelled good and others poor"):
        fit(measured.responses, alike)


def test_the_dataset_held_out_is_counted_and_not_fitted(findings: Findings) -> None:
    measured = _measured()
    held = measured.snapshots["dataset"] == "mnist"
    changed = measured.snapshots.copy()
    changed.loc[held, "label"] = ["collapsed", "good", "good", "good"]
    other = Findings.of(Measured(measured.responses, changed, "mnist"), list(OWN), {})
    assert other.model.collapsed == findings.model.collapsed
    assert other.model.poor == findings.model.poor
    table = findings.confusion.set_index(["dataset", "label"])
    assert table["fitted"].tolist() == [True] * 4 + [False] * 4
    assert table.loc[("mnist", "collapsed"), ["n", "collapsed", "poor", "neither"]].tolist() == [
        1,
        1,
        0,
        0,
    ]
    assert table.loc[("mnist", "good"), "neither"] == table.loc[("mnist", "poor"), "poor"] == 1


def test_snapshots_without_a_label_are_left_out() -> None:
    measured = _measured()
    unseen = measured.snapshots.assign(label="")
    model = CollapseModel(*fit(measured.responses, measured.snapshots))
    assert confusion_table(Measured(measured.responses, unseen, "mnist"), model).empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "nice"}, "label 'nice'; allowed: good, poor, collapsed, untrained, or empty"),
        ({"likeness": "much"}, "hold numbers"),
        ({"likeness": ""}, "hold numbers"),
    ],
)
def test_a_damaged_table_of_snapshots_is_one_line(
    change: dict, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "snapshots.csv"
    _snapshots().to_csv(path, index=False)
    assert len(read_snapshots(path)) == 8
    _snapshots().astype(object).assign(**change).to_csv(path, index=False)
    with pytest.raises(InputError, match=rf"snapshots\.csv: .*{message}"):
        read_snapshots(path)


def _responses(null: list[float], doses: dict[float, list[float]]) -> Measured:
    """Responses of ms_ssim (lower is better) to one plant, the same in both parts."""
    rows = [(REAL, 0.0, value) for value in null]
    rows += [("few_exemplars", dose, value) for dose, values in doses.items() for value in values]
    frames = [
        pd.DataFrame(rows, columns=["plant", "dose", "ms_ssim"]).assign(part=p) for p in PARTS
    ]
    return Measured(pd.concat(frames).assign(size=500), _snapshots(), "mnist")


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
