"""The notebooks in docs/ run from top to bottom and answer with the right number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import harness
from tests.support.altered_store import unpack
from tests.support.repository import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "how_early.ipynb"


def cells(kind: str) -> list[str]:
    """The sources of the cells of that kind, in order."""
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert all(not cell.get("outputs") for cell in content["cells"])  # no numbers of some machine
    return ["".join(one["source"]) for one in content["cells"] if one["cell_type"] == kind]


@pytest.mark.slow
def test_the_notebook_answers_its_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_MLRUNS", str(tmp_path / "mlruns"))
    names: dict[str, Any] = {}
    for number, source in enumerate(cells("code")):
        source = source.replace('"quickstart"', '"earlier"')  # a study recorded for the tests
        exec(compile(source, f"{NOTEBOOK.name}, code cell {number}", "exec"), names)
    plt.close("all")
    said = capsys.readouterr().out

    study = harness.load("earlier")
    runs = study.trials[study.trials["outcome"] == "complete"]
    assert f"earlier, n = {len(runs)} completed trials" in said
    curves = study.curves[study.curves["metric"] == "fid"]
    steps = sorted(curves["images_seen"].unique())
    for step, found in zip(steps, names["agreement"], strict=True):
        at = curves[curves["images_seen"] == step].groupby("trial")["value"].last()
        ends = runs.set_index("number")[study.results.objective]
        expected = stats.spearmanr(at[ends.index], ends).statistic
        assert found == pytest.approx(expected)
    assert names["agreement"].index[-1] == 1.0
    last = names["agreement"].iloc[-1]
    assert (names["from_share"] is not None) == (last >= 0.8 or not np.isfinite(last))
