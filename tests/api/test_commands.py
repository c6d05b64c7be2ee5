"""Images and exports from a recorded study: what is written, and what is refused in one line."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from harness.api.export import model_card
from harness.api.study import RecordedStudy
from harness.export import export
from harness.generate import generate
from tests.support.wrong_input import check_refusal, pass_door


@pytest.fixture
def at_stores(stores, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return ["--tracking-uri", stores.tracking_uri]


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_images_are_written_as_grid_as_array_and_as_files(at_stores, study):
    expected = study.winner.sample(6, seed=2)
    for target in ("grid.png", "array.npz", "folder"):
        given = ["slopes", "--num", "6", "--seed", "2", "--output", target, *at_stores]
        code, said, _ = pass_door(generate, *given)
        assert (code, said) == (0, f"6 images of trial 1 of slopes: {target}\n")
    assert pixels("grid.png").shape == (2 * 30 - 2, 3 * 30 - 2)
    with np.load("array.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["images"], expected)
    files = sorted(Path("folder").iterdir())
    assert [path.name for path in files] == [f"{index:06}.png" for index in range(6)]
    np.testing.assert_array_equal(pixels(files[4]), expected[4, ..., 0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["slopes", "--output", "images.gif"], "FILE.png"),
        (["slopes", "--trial", "9"], "there: 0 to 2"),
        (["slopes", "--trial", "2"], "trial 2 failed"),
        (["slopes", "--label", "1"], "is told no class"),
        (["nosuch"], "slopes"),
        (["slopes", "--output", "full"], "is not empty"),
    ],
)
def test_wrong_input_is_one_line(at_stores, tmp_path, given, says):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("?")
    code, _, complaint = pass_door(generate, *given, *at_stores)
    check_refusal(code, complaint)
    assert says in complaint


def test_an_export_serves_a_stranger(at_stores, study, tmp_path):
    given = ["slopes", "--output", "out", *at_stores]
    assert pass_door(export, *given)[0] == 0
    assert pass_door(export, *given)[0] == 0  # an earlier export is replaced
    generator = keras.models.load_model("out/generator.keras", safe_mode=True)
    latents = np.random.default_rng(0).standard_normal((64, 100)).astype(np.float32)
    np.testing.assert_array_equal(generator.predict(latents, verbose=0), study.winner.sample(64))
    with zipfile.ZipFile("out/generator.keras") as archive:
        assert "harness" not in archive.read("config.json").decode()
    assert json.loads(Path("out/config.json").read_text()) == study.winner.config.to_dict()
    card = Path("out/README.md").read_text()
    for part in (
        "Which slope, slopes?",
        "| fid_debiased | 3.450 | 3 to 3.900 |",
        "CC BY 4.0",
        "of a test",
    ):
        assert part in card


@pytest.mark.slow
def test_its_script_draws_the_same_images_without_this_project(at_stores, study, tmp_path):
    assert pass_door(export, "slopes", "--output", "out", *at_stores)[0] == 0
    subprocess.run([sys.executable, "-I", "sample.py"], cwd=tmp_path / "out", check=True)
    drawn = pixels(tmp_path / "out" / "drawn.png")
    np.testing.assert_array_equal(drawn, np.concatenate(study.winner.sample(64)[:8, ..., 0], 1))


@pytest.mark.slow
def test_a_folder_of_other_things_is_left_alone(at_stores, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("?")
    given = ["slopes", "--output", "mine", *at_stores]
    code, _, complaint = pass_door(export, *given)
    check_refusal(code, complaint)
    assert "thesis.tex" in complaint
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_text_of_a_store_stays_text_in_a_model_card(study):
    dataset = {**study.results.evaluation["dataset"], "source": "<b>x</b> | [y](z)\n# `w`"}
    evaluation = {**study.results.evaluation, "dataset": dataset}
    results = dataclasses.replace(study.results, evaluation=evaluation)
    card = model_card(RecordedStudy(results).winner)
    (line,) = [line for line in card.splitlines() if line.startswith("- dataset: ")]
    assert line == r"- dataset: digits, &lt;b&gt;x&lt;/b&gt; \| \[y\](z) # \`w\`"
