"""Synthetic studies in memory: what the reading half gets, made without MLflow."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from harness.core.config import TrialConfig
from harness.core.spec.study_spec import StudySpec
from harness.reporting.results.tables import RunRecord, StudyResults, tabulate

STARTED = 1_790_000_000_000  # milliseconds, a Monday in September 2026
SPACE = {
    "optimizer": {"choices": ["adam", "rmsprop", "sgd", "nadam"]},
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "leaky_slope": {"low": 0.0, "high": 0.4},
    "pixel_scaling": {"choices": ["centered", "unit"]},
}
EVALUATION = {
    "dataset": {"name": "digits", "fingerprint": "ab" * 32, "num_classes": 10, "images": 1_797},
    "classifier": {"name": "digits-cnn", "sha256": "cd" * 32, "accuracy": 0.9889},
    "num_real_samples": 540,
    "num_fake_samples": 2_000,
    "num_perfect_samples": 1_257,
    "perfect_samples_from": "training split, which the classifier has seen",
    "metrics": {
        "fid": {
            "direction": "minimize",
            "low": 0.0,
            "high": None,
            "unit": "squared feature distance",
            "summary": "Fréchet distance between Gaussians fitted to the features.",
            "source": "Heusel et al. 2017, eq. 6",
            "perfect": 0.75,
            "null_level": 0.5,
        },
        "modes_captured": {
            "direction": "maximize",
            "low": 0.0,
            "high": None,
            "unit": "classes",
            "summary": "Number of classes that the generated images cover.",
            "source": "Che et al. 2017",
        },
    },
}


class Grids:
    """Image grids from memory; counts nothing, forgets nothing."""

    def __init__(self, real: bytes | None, last: Mapping[str, bytes]) -> None:
        self._real = real
        self._last = last

    def real(self) -> bytes | None:
        return self._real

    def last(self, run_id: str, images_seen: int | None = None) -> bytes | None:
        return self._last.get(run_id)

    def steps(self, run_id: str) -> list[int]:
        return [50_000, 100_000] if run_id in self._last else []

    def image(self, run_id: str, path: str) -> bytes | None:
        return None

    def record(self, run_id: str, path: str) -> dict[str, Any]:
        return {}


def png(seed: int, side: int = 112) -> bytes:
    """A small grey noise image."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def spec(space: Mapping[str, Any] = SPACE, **changes: Any) -> StudySpec:
    """A study of the DCGAN on digits."""
    declared: dict[str, Any] = {
        "name": "demo",
        "question": "Which optimizer, learning rate, LeakyReLU slope and pixel scaling suit it?",
        "base": {"images": 100_000},
        "space": dict(space),
        "search": {"num_trials": 20, "minimize": "fid"},
    }
    return StudySpec.from_dict({**declared, **changes})


def record(
    number: int,
    outcome: str = "complete",
    *,
    fid: float | list[float] | None = 10.0,
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    **finals: float,
) -> RunRecord:
    """A trial: fid is its curve (equally spaced up to 100,000 images) or its final value."""
    curve = [] if fid is None else fid if isinstance(fid, list) else [fid]
    last = 100_000 if outcome == "complete" else 30_000
    steps = [round(last * k / max(1, len(curve))) for k in range(1, len(curve) + 1)]
    history = {"fid": list(zip(steps, curve, strict=True))} if curve else {}
    history |= {name: [(last, value)] for name, value in finals.items()}
    status = {"complete": "FINISHED", "pruned": "FINISHED", "running": "RUNNING"}.get(
        outcome, "FAILED"
    )
    extra = {
        "pruned": {"outcome": "pruned"},
        "interrupted": {"failure": "interrupted"},
        "failed": {"failure": "d_loss is not finite"},
    }
    return RunRecord(
        run_id=f"run{number:03d}",
        number=number,
        status=status,
        tags={"kind": "trial", **extra.get(outcome, {}), **(tags or {})},
        params={k: str(v) for k, v in TrialConfig(**(config or {})).to_dict().items()},
        history=history,
        started=STARTED + number * 60_000,
        ended=None if outcome == "running" else STARTED + number * 60_000 + 45_000,
    )


def results(runs: list[RunRecord], study: StudySpec | None = None, **changes: Any) -> StudyResults:
    """The study with these runs, evaluation and untrained scores recorded."""
    values: dict[str, Any] = {
        "spec": study or spec(),
        **tabulate(runs)._asdict(),
        "grids": Grids(png(0), {run.run_id: png(run.number + 1) for run in runs}),
        "evaluation": EVALUATION,
        "untrained": {"fid": 400.0, "modes_captured": 1.0},
        "environment": {"python": "3.11.9", "versions": {"keras": "3.15.1"}, "devices": ["CPU"]},
    }
    return StudyResults(**{**values, **changes})


def random_runs(n: int, seed: int = 0, *, reports: int = 9) -> list[RunRecord]:
    """n trials of a plausible search: most complete, some pruned, a few failed or interrupted."""
    rng = np.random.default_rng(seed)
    runs = []
    for number in range(n):
        config = {
            "optimizer": str(rng.choice(SPACE["optimizer"]["choices"])),
            "learning_rate": float(10 ** rng.uniform(-5, -2)),
            "leaky_slope": float(rng.uniform(0, 0.4)),
            "pixel_scaling": str(rng.choice(SPACE["pixel_scaling"]["choices"])),
            "images": 100_000,
        }
        outcome = str(rng.choice(["complete"] * 13 + ["pruned"] * 5 + ["failed", "interrupted"]))
        runs.append(_random_run(number, outcome, config, rng, reports))
    return runs


def _random_run(
    number: int, outcome: str, config: dict[str, Any], rng: np.random.Generator, reports: int
) -> RunRecord:
    floor = 6 + 25 * abs(np.log10(config["learning_rate"]) + 3.5) ** 1.5 + rng.gamma(2, 2)
    floor *= 2.5 if config["optimizer"] == "sgd" else 1
    done = reports if outcome == "complete" else int(rng.integers(1, max(2, reports - 2)))
    steps = [round(100_000 * k / reports) for k in range(1, done + 1)]
    decay = np.exp(-np.arange(1, done + 1) / 2)
    fid = floor + 300 * decay * rng.lognormal(0, 0.15, done)
    g_loss, d_loss = 0.9 + rng.normal(0, 0.1, done).cumsum() + 0.8, 1.2 + rng.normal(0, 0.05, done)
    curves = {"fid": fid, "g_loss": g_loss, "d_loss": d_loss}
    curves["modes_captured"] = np.minimum(10, np.round(10 - fid / 40))
    curves["kid"] = fid / 800
    curves["vendi_ratio"] = np.clip(1 - fid / 400, 0.1, 1)
    run = record(number, outcome, config=config)
    history = {
        name: list(zip(steps, map(float, values), strict=True)) for name, values in curves.items()
    }
    last = steps[-1]
    history |= {"wall_seconds": [(last, 9.0 * done)], "train_seconds": [(last, 7.0 * done)]}
    tags = {**run.tags, "pruned_by": "pruner"} if outcome == "pruned" else run.tags
    return RunRecord(**{**run.__dict__, "history": history, "tags": tags})


FAILED = "failed"


def arms_spec(
    arms: Iterable[str] = ("centered", "unit"),
    tests: Iterable[Mapping[str, Any]] = (),
    **changes: Any,
) -> StudySpec:
    """A study of arms, which differ in learning_rate, with a claim C1 if there are ``tests``."""
    claim = {"id": "C1", "source": "S4", "text": "Centering beats scaling", "tests": list(tests)}
    declared: dict[str, Any] = {
        "name": "c01_demo",
        "question": "Does centering help?",
        "seeds": 5,
        "base": {"images": 100_000},
        "arms": {arm: {"learning_rate": 1e-4 * k} for k, arm in enumerate(arms, 1)},
        "search": {"minimize": "fid"},
        "claim": claim if claim["tests"] else {},
    }
    return StudySpec.from_dict({**declared, **changes})


def arms_runs(**fids: Sequence[float | str | None]) -> list[RunRecord]:
    """Runs of arms: for each arm a final fid per seed, FAILED, or None for a run still to come."""
    runs = []
    for index, (arm, values) in enumerate(fids.items()):
        for seed, value in enumerate(values):
            if value is None:
                continue
            outcome = "failed" if value == FAILED else "complete"
            fid = None if isinstance(value, str) else [3.0 * value, value]
            config = {"seed": seed, "learning_rate": 1e-4 * (index + 1), "images": 100_000}
            finals = {"collapse_probability": 0.9 if seed == 0 and index else 0.1}
            run = record(len(runs), outcome, fid=fid, config=config, tags={"arm": arm}, **finals)
            runs.append(run)
    return runs


def comparison_test(**changes: Any) -> dict[str, Any]:
    """The declaration of a test that the arm "centered" has a lower fid than "unit"."""
    test = {"outcome": "fid", "better": "centered", "than": "unit", "smallest_effect": 0.1}
    return {**test, **changes}


@dataclass(frozen=True)
class Store:
    """A store with the study "demo" (see ``runs``), "bare" without artifacts, "won" with a
    confirmation, and "empty"."""

    uri: str
    spec: StudySpec
    runs: list[RunRecord]
