"""``python -m harness.trial --json``: every score with the figures that it is read by."""

import json

from harness.core.registry import METRICS
from harness.trial import trial
from tests.support.wrong_input import pass_door


def test_every_score_comes_with_what_it_is_read_by(layout, monkeypatch):
    monkeypatch.setenv("HARNESS_MLRUNS", str(layout.root))
    command = ("quickstart", "--smoke", "--json", "--set=architecture=mlp")
    code, printed, said = pass_door(trial, *command)
    assert code == 0, said
    scores = json.loads(printed)["scores"]
    # 200 images are too few for an interval of fid, and a smoke run has one report to average.
    # Of scores, with no metric of their own.
    derived = ("fid_late", "collapse_probability", "poor_probability")
    assert set(scores) == {*METRICS.names(), *derived, "fid_raw"}
    for name, row in scores.items():
        assert set(row) == {"value", "interval", "null_level", "perfect", "untrained"}
        assert (row["untrained"] is not None) == (name != "fid_raw")
        assert (row["interval"] is not None) == (name == "kid")
        assert (row["null_level"] is not None) == (name in ("fid", "fid_late"))
        without = ("collapse_probability", "poor_probability", "fid_raw")
        assert (row["perfect"] is not None) == (name not in without)
    fid = scores["fid"]
    assert scores["fid_late"] == fid
    assert fid["perfect"] < fid["value"]  # a smoke run has learned next to nothing
    assert "95 % interval" in said  # the same as a table, beside the JSON

    code, printed, said = pass_door(trial, *command)  # complete: the same figures from the store
    assert code == 0, said
    assert json.loads(printed)["scores"] == scores
