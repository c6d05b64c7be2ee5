import math

import pandas as pd
import pytest

from harness.core.config import TrialConfig
from harness.data.load import load_dataset
from harness.evaluation.classifier.load import load_reference
from harness.evaluation.evaluator import Evaluator
from harness.training.loop import Trainer
from tests.benchmarks import outcomes


def test_level_and_spread_by_value():
    """Two seeds: 2 and 8 at the end, after 4 and 4: log 4 is the mean of the logarithms."""
    rows = [
        {"seed": seed, "horizon": 0, "images_seen": seen, "fid": fid, "error": 0.05}
        for seed, last in enumerate([2.0, 8.0])
        for seen, fid in ((90, 4.0), (100, last))
    ]
    fid, late = (row for _, row in outcomes.summarise(pd.DataFrame(rows)).iterrows())
    assert (fid["outcome"], late["outcome"], fid["n"]) == ("fid", "fid_late", 2)
    assert fid["level"] == pytest.approx(4.0)
    assert late["level"] == pytest.approx(4.0)
    # log 2 and log 8 differ by 2 log 2, their means with log 4 by log 2.
    assert fid["spread"] == pytest.approx(2 * math.log(2) / math.sqrt(2))
    assert late["spread"] == pytest.approx(math.log(2) / math.sqrt(2))
    # Chi-squared with one degree of freedom: 2.5 % lie above 5.024, 2.5 % below 0.000982.
    assert fid["low"] == pytest.approx(fid["spread"] / math.sqrt(5.024), rel=1e-3)
    assert fid["high"] == pytest.approx(fid["spread"] / math.sqrt(0.000982), rel=1e-3)
    assert fid["within"] == pytest.approx(math.log(2) / math.sqrt(2))
    assert fid["error"] == 0.05


@pytest.mark.slow
def test_the_averages_are_those_of_the_field(tmp_path, monkeypatch):
    """Fifty steps: a horizon of 20 is an ``ema`` of 0.4, taken every second step."""
    monkeypatch.setattr(outcomes, "HORIZONS", (0, 20))
    monkeypatch.setattr(outcomes, "EVERY", 2)
    config = TrialConfig(width=0.0625, batch_size=16, images=800)
    dataset = load_dataset("digits")
    evaluator = Evaluator(dataset, load_reference(dataset, tmp_path), 100, ["fid"])
    rows = list(outcomes.scores_of(config, evaluator))
    assert {row["images_seen"] for row in rows} == {640, 800}
    assert all(row["error"] is None for row in rows)
    trainer = Trainer(config.replace(ema=0.4), dataset)
    list(trainer.run([800]))
    last = {row["horizon"]: row["fid"] for row in rows if row["images_seen"] == 800}
    assert last[20] == evaluator.score(trainer.generate(100))["fid"]
    assert last[0] == evaluator.score(trainer.generate_raw(100))["fid"]
