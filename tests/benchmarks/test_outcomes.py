import math

import pytest

from tests.benchmarks.outcomes import summarise
from tests.support import reports as builder


def test_level_and_spread_of_each_arm_by_value():
    """fid 2 and 8: the mean of the logarithms is log 4, their standard deviation log 4 / sqrt 2."""
    runs = [
        builder.record(
            seed,
            fid=fid,
            fid_late=4.0,
            fid_late_spread=spread,
            fid_debiased=10.0,
            fid_low=10.0 - 1.96,
            fid_high=10.0 + 1.96,
            config={"seed": seed, "learning_rate": 1e-4},
            tags={"arm": "centered"},
        )
        for seed, (fid, spread) in enumerate([(2.0, 0.3), (8.0, 0.4)])
    ]
    frame = summarise(builder.results(runs, builder.arms_spec()))
    assert list(frame["outcome"]) == ["fid", "fid_late"]  # no fid_raw, and no run of the other arm
    fid, late = frame.iloc[0], frame.iloc[1]
    assert (fid["n"], late["spread"]) == (2, 0.0)
    assert fid["level"] == pytest.approx(4.0)
    assert fid["spread"] == pytest.approx(math.log(4) / math.sqrt(2))
    # Chi-squared with one degree of freedom: 2.5 % lie above 5.024, 2.5 % below 0.000982.
    assert fid["low"] == pytest.approx(fid["spread"] / math.sqrt(5.024), rel=1e-3)
    assert fid["high"] == pytest.approx(fid["spread"] / math.sqrt(0.000982), rel=1e-3)
    assert fid["within"] == pytest.approx(math.sqrt((0.09 + 0.16) / 2))
    assert fid["sampling"] == pytest.approx(0.1, rel=1e-3)  # an error of 1 at a fid of 10
