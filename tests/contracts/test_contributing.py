"""The recipes of CONTRIBUTING.md work as they are printed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.core.spec.study_spec import StudySpec
from tests.support.repository import REPOSITORY

TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text()
RECIPES = dict(re.findall(r"```\w+\n# (\S+)\n(.*?)```", TEXT, flags=re.DOTALL))


def entry(path: str, folder: Path) -> Any:
    """The entry that the recipe for ``path`` registers, under the name of its file."""
    file = folder / Path(path).name
    file.write_text(RECIPES[path])
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, file.stem)


def test_every_recipe_is_tried_here():
    assert [Path(path).name for path in RECIPES] == [
        "spread_error.py",
        "dense.py",
        "boundary_seeking.py",
        "generator_twice.py",
        "time_spent.py",
        "slopes.toml",
    ]


def test_the_metric(tmp_path: Path):
    from harness.evaluation.metrics import Metric, Sample

    record = entry("harness/evaluation/metrics/spread_error.py", tmp_path)
    assert isinstance(record, Metric)
    images, shares = np.zeros((2, 28, 28, 1), np.uint8), np.ones((2, 1))
    real = Sample(images, np.array([[0.0], [2.0]]), shares)  # variance 2
    fake = Sample(images, np.array([[5.0], [6.0]]), shares)  # variance 1/2
    assert record(real, fake, np.random.default_rng(0)) == 0.75


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_the_architecture_and_the_procedure(tmp_path: Path, normalization: str):
    from harness.models.game import build_game
    from harness.models.networks import Networks, build_optimizers
    from harness.training.procedures import Batch

    architecture = entry("harness/models/architectures/dense.py", tmp_path)
    procedure = entry("harness/training/procedures/generator_twice.py", tmp_path)
    config = TrialConfig(width=0.0625, latent_dim=5, normalization=normalization)
    architecture.check(config)
    networks = Networks(*architecture.build(config, (8, 8, 1), 0))
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(procedure.noise_batches, 4, 5)).astype(np.float32)
    images = rng.uniform(-1, 1, (4, 8, 8, 1)).astype(np.float32)
    assert networks.generator(noise[0]).shape == images.shape
    before = [[np.array(v) for v in network.trainable_variables] for network in networks]
    nothing = np.zeros((procedure.noise_batches, 4, 0), np.float32)  # no labels are told
    batch = Batch(images, nothing[0], noise, nothing)
    optimizers, game = build_optimizers(config, networks), build_game(config)
    step = procedure.step(networks, optimizers, game, batch)
    assert step.real_logits.shape == step.fake_logits.shape == (4, 1)
    for network, values in zip(networks, before, strict=True):
        moved = [
            not np.array_equal(v, old)
            for v, old in zip(network.trainable_variables, values, strict=True)
        ]
        assert any(moved)


def test_the_loss(tmp_path: Path):
    from harness.models.losses import Loss

    loss = entry("harness/models/losses/boundary_seeking.py", tmp_path)
    assert isinstance(loss, Loss)
    logits = np.array([[1.0], [3.0]], np.float32)
    assert float(loss.g_loss(logits)) == 2.5
    assert float(loss.d_loss(logits, -logits, 1.0)) == float(loss.d_loss(logits, -logits))


def test_the_plot(tmp_path: Path):
    from matplotlib import pyplot as plt

    from harness.reporting.plots import Plot
    from tests.support import reports as builder

    plot = entry("harness/reporting/plots/time_spent.py", tmp_path)
    assert isinstance(plot, Plot)
    runs = [builder.record(number, wall_seconds=10.0 * number) for number in range(4)]
    results = builder.results(runs)
    assert plot.caption(results) == "Wall-clock time of each trial (n = 4, 60 s in all)."
    assert plot.finding(plot.summarise(results)) == "Trial 3 took longest, 30 s"
    for study in (results, builder.results([])):
        _, ax = plt.subplots()
        plot.draw(plot.summarise(study), ax)
        assert len(ax.patches) == len(study.trials)


def test_the_study(tmp_path: Path):
    file = tmp_path / "slopes.toml"
    file.write_text(RECIPES["studies/slopes.toml"])
    spec = StudySpec.load(file)
    assert list(spec.space) == ["leaky_slope", "learning_rate"]
