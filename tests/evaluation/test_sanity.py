"""The checks of scores: criteria on curves by hand, and scores whose behaviour is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from harness.core.registry import METRICS
from harness.evaluation.metrics import Metric, Sample
from harness.evaluation.sanity import criteria, run
from harness.evaluation.sanity.checks import BOUNDS, CHECKS, FIRST, INVARIANCE, LAST, PURPOSE
from harness.evaluation.sanity.criteria import Curve
from harness.evaluation.sanity.draws import Variant
from harness.evaluation.sanity.page import render_page

X = (-2.0, -1.0, 0.0, 1.0, 2.0)


def _curve(*y: float) -> Curve:
    return Curve(X[: len(y)], y)


# The limits are those of the authors' code: 0.2 for a fall, 0.1 of slack, 0.05 for closeness.
@pytest.mark.parametrize(
    ("criterion", "y", "passes"),
    [
        (criteria.bell(0.0), (0.0, 0.5, 1.0, 0.5, 0.0), True),
        (criteria.bell(0.0), (0.85, 0.9, 1.0, 0.5, 0.0), False),  # one end is not low
        (criteria.bell(0.0), (0.0, 1.0, 0.8, 0.5, 0.0), False),  # the top is beside it
        (criteria.bell(0.0), (0.4, 0.0, 1.0, 0.5, 0.4), False),  # lower before the ends
        (criteria.bell(0.0), (0.4, 0.0, 1.0, 0.5, 0.05), True),  # one low end is enough
        (criteria.falling, (1.0, 0.9, 0.8, 0.8, 0.75), True),
        (criteria.falling, (1.0, 0.9, 0.9, 0.85, 0.85), False),
        (criteria.falling, (0.5, 0.8, 0.4, 0.2, 0.1), False),
        (criteria.falling, (1.0, 0.5, 0.1, 0.2, 0.4), False),
        (criteria.rising, (0.1, 0.2, 0.4, 0.6, 0.9), True),
        (criteria.rising, (0.9, 0.6, 0.4, 0.2, 0.1), False),
        (criteria.falling_by(0.5), (1.0, 1.0, 0.95, 0.5, 0.0), False),  # seen too late
        (criteria.falling_by(0.5), (1.0, 0.9, 0.85, 0.5, 0.0), True),
        (criteria.level, (0.50, 0.52, 0.54, 0.5, 0.5), True),
        (criteria.level, (0.50, 0.52, 0.56, 0.5, 0.5), False),
        (criteria.settling, (0.0, 0.2, 0.50, 0.52, 0.5), True),
        (criteria.settling, (0.0, 0.2, 0.4, 0.52, 0.5), False),
        (criteria.near(FIRST, 1.0), (0.96, 0.0, 0.0, 0.0, 0.5), True),
        (criteria.near(LAST, 1.0), (0.5, 0.0, 0.0, 0.0, 0.96), True),
        (criteria.near(LAST, 1.0), (1.0, 0.0, 0.0, 0.0, 0.94), False),
        (criteria.near(0.1, 0.2), (0.0, 0.0, 0.2, 0.0, 0.0), True),  # the nearest point
        (criteria.near_either(LAST), (0.5, 0.5, 0.5, 0.5, 0.04), True),
        (criteria.near_either(LAST), (0.5, 0.5, 0.5, 0.5, 0.5), False),
    ],
)
def test_criteria_by_hand(criterion: criteria.Criterion, y: tuple, passes: bool) -> None:
    assert (criterion(_curve(*y)) == "") is passes


def _metric(direction: str, **bounds: float | None) -> Metric:
    limits = {"low": None, "high": None, "target": None, **bounds}
    return Metric("m", lambda real, fake, rng: 0.0, direction, unit="", source="", **limits)


@pytest.mark.parametrize(
    ("metric", "values", "perfect", "expected"),
    [
        (_metric("maximize", low=0.0, high=1.0), [0.9, 0.2], 0.95, [0.9, 0.2]),
        (_metric("maximize", low=0.0, target=1.0), [1.2, 0.2], 1.0, [1.2, 0.2]),
        (_metric("minimize", low=0.0, high=1.0), [0.5, 1.0], 0.5, [1.0, 0.0]),
        (_metric("minimize", low=0.0), [2.0, 7.0, 12.0], 2.0, [1.0, 0.5, 0.0]),
        (_metric("maximize", low=0.0), [10.0, 5.0], 10.0, [1.0, 0.5]),
    ],
)
def test_goodness_runs_from_perfect_to_worst(
    metric: Metric, values: list[float], perfect: float, expected: list[float]
) -> None:
    found = run.goodness(metric, np.array(values), np.full(len(values), perfect))
    assert found.tolist() == pytest.approx(expected)


def test_an_ideal_score_passes_and_a_blind_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A score that knows the distance of the means falls with it; one that says 1 sees nothing."""

    def knowing(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
        apart = np.abs(real.features[:, 0].mean() - fake.features[:, 0].mean())
        return float(np.exp(-(apart**2)))

    made = {
        "knowing": Metric("knowing", knowing, "maximize", 0.0, 1.0, "", "", judges="fidelity"),
        "blind": Metric(
            "blind", lambda real, fake, rng: 1.0, "maximize", 0.0, 1.0, "", "", judges="fidelity"
        ),
        "unbounded": Metric(
            "unbounded",
            lambda r, f, rng: 1 - knowing(r, f, rng),
            "minimize",
            0.0,
            None,
            "",
            "",
            judges="both",
        ),
        "absent": Metric(
            "absent", lambda r, f, rng: math.nan, "maximize", 0.0, 1.0, "", "", judges="fidelity"
        ),
    }
    monkeypatch.setattr(METRICS, "get", made.__getitem__)
    checks = {"mean": CHECKS["mean"], "scaled_axis": CHECKS["scaled_axis"]}
    few = Variant(
        "d = 1", (-6.0, 0.0, 6.0), checks["mean"].variants[0].real, checks["mean"].variants[0].fake
    )
    checks["mean"] = run.Check(**{**vars(checks["mean"]), "variants": [few]})
    table = run.measure(checks, list(made), 1, 0, lambda line: None)
    verdicts = run.judge(table, checks, list(made)).set_index(["score", "check", "desideratum"])
    said = verdicts["verdict"]
    for check, desideratum in (("mean", PURPOSE), ("mean", BOUNDS), ("scaled_axis", INVARIANCE)):
        assert said["knowing", check, desideratum] == run.PASSED
        assert said["absent", check, desideratum] == run.FAILED
    assert said["blind", "mean", PURPOSE] == said["blind", "mean", BOUNDS] == run.FAILED
    assert said["blind", "scaled_axis", INVARIANCE] == run.PASSED  # it is at least constant
    assert said["unbounded", "mean", PURPOSE] == run.PASSED
    assert said["unbounded", "mean", BOUNDS] == run.FAILED
    assert "no bounds" in verdicts.loc[("unbounded", "mean", BOUNDS), "reason"]
    assert verdicts.loc[("absent", "mean", PURPOSE), "reason"] == "d = 1: no value"


def test_known_verdicts_of_registered_scores() -> None:
    """Published ones: density is deaf to a real outlier, precision is not (Naeem et al. 2020)."""
    names = ["density", "precision", "modes_captured"]
    check = CHECKS["real_outlier"]
    one = {"real_outlier": run.Check(**{**vars(check), "variants": [check.variants[0]]})}
    table = run.measure(one, names, 1, 0, lambda line: None)
    said = run.judge(table, one, names).set_index(["score", "desideratum"])["verdict"]
    assert said["density", PURPOSE] == run.PASSED
    assert said["precision", PURPOSE] == run.FAILED
    assert said["modes_captured", PURPOSE] == run.OPEN  # there are no classes


def test_the_page_escapes_what_it_shows_and_loads_nothing() -> None:
    verdicts = pd.DataFrame(
        [
            ("precision", "fidelity", "mean", PURPOSE, run.PASSED, ""),
            ("precision", "fidelity", "mean", BOUNDS, run.FAILED, "<b>0.5</b>"),
            ("recall", "diversity", "mean", PURPOSE, run.OPEN, ""),
        ],
        columns=["score", "judges", "check", "desideratum", "verdict", "reason"],
    )
    page = render_page(verdicts, {"command": "a & b"})
    assert page == render_page(verdicts, {"command": "a & b"})
    assert "&lt;b&gt;0.5&lt;/b&gt;" in page
    assert "<b>0.5" not in page
    assert "a &amp; b" in page
    assert "default-src 'none'; style-src 'sha256-" in page
    assert "<script" not in page
    assert "1 of 2" in page
