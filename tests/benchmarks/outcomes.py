"""What holds still: a final fid, a late one, and both of averaged generators, over seeds.

``python -m tests.benchmarks.outcomes [--seeds 8] [--keep FILE]`` trains one good configuration of
the quickstart's size once for each seed, with averages over several horizons beside it, scores all
generators at the late reports, and prints level and spread of log fid. With ``--keep`` what was
scored is appended to a file as JSON lines, and seeds that stand there are not trained again. About
half a minute of a core for each seed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import stats

from harness.core.config import TrialConfig
from harness.core.quiet_import import quiet_import
from harness.core.spec.milestones import late, milestones_with_late_ones
from harness.outcomes.late import late_scores

with quiet_import():
    import tensorflow as tf

    from harness.data.load import load_dataset
    from harness.evaluation.classifier.load import load_reference
    from harness.evaluation.evaluator import Evaluator
    from harness.training.averaging import GeneratorAverage
    from harness.training.loop import Trainer

CONFIG = TrialConfig(
    width=0.25, batch_size=64, optimizer="rmsprop", learning_rate=2.5e-3, images=48_000
)
REPORTS = 5  # as in the quickstart, whose late reports these are
NUM_SAMPLES = 2_000
HORIZONS = (0, 50, 100, 200)
"""Steps, of 750; 0 is the generator as it is trained."""
TAILS = (0.975, 0.025)
EVERY = 5  # steps between updates; the averages take what they need of them


def scores_of(config: TrialConfig, evaluator: Evaluator) -> Iterator[dict[str, Any]]:
    """Train ``config``; seed, horizon, images_seen, fid and error at each late report.

    error: the standard error of log fid from the sampling of images, by the interval of fid; None
    where the evaluator has too few images for one.
    """
    trainer = Trainer(config, evaluator.dataset)
    averages = {
        horizon: GeneratorAverage(trainer.networks.generator, horizon)
        for horizon in HORIZONS
        if horizon
    }
    step = config.images_per_step
    reports = milestones_with_late_ones(config.images, REPORTS, step)
    reports = late(reports, config.images)
    steps = range(EVERY * step, config.images + 1, EVERY * step)
    for progress in trainer.run(steps):
        for average in averages.values():
            average.update(tf.constant(progress.images_seen // step - 1))
        if progress.images_seen not in reports:
            continue
        for horizon in HORIZONS:
            with averages[horizon].shown() if horizon else nullcontext():
                found = evaluator.score(trainer.generate(evaluator.num_samples))
            row = {"seed": config.seed, "horizon": horizon, "images_seen": progress.images_seen}
            yield {**row, "fid": found["fid"], "error": _error(found)}


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per horizon and outcome, with n, level, spread, low, high, within and error.

    outcome: ``fid``, of the last report, or ``fid_late``. level: geometric mean over the seeds.
    spread: standard deviation of the outcome's logarithm over the seeds, low to high its 95 %
    interval (chi-squared, for normal logarithms). within: root mean square over the seeds of the
    standard deviation of log fid between the reports of one trial. error: median.
    """
    rows = []
    for horizon, part in scores.groupby("horizon"):
        courses = [
            list(zip(one["images_seen"], one["fid"], strict=True))
            for _, one in part.sort_values("images_seen").groupby("seed")
        ]
        ends = [late_scores(course, course[-1][0]) for course in courses]
        within = float(np.sqrt(np.mean([end["fid_late_spread"] ** 2 for end in ends])))
        outcomes = {
            "fid": [course[-1][1] for course in courses],
            "fid_late": [end["fid_late"] for end in ends],
        }
        for outcome, values in outcomes.items():
            figures = _figures(np.log(values))
            row = {"horizon": horizon, "outcome": outcome, **figures, "within": within}
            rows.append({**row, "error": part["error"].astype("float64").median()})
    return pd.DataFrame(rows)


def _figures(logs: np.ndarray) -> dict[str, float]:
    n, spread = len(logs), float(logs.std(ddof=1))
    low, high = (
        spread * float(np.sqrt((n - 1) / stats.chi2.ppf(q, n - 1))) for q in (0.975, 0.025)
    )
    level = float(np.exp(logs.mean()))
    return {"n": n, "level": level, "spread": spread, "low": low, "high": high}


def _error(scores: dict[str, float]) -> float | None:
    if "fid_low" not in scores:
        return None
    width = scores["fid_high"] - scores["fid_low"]
    return float(width / (2 * stats.norm.ppf(0.975)) / scores["fid_debiased"])


def main(seeds: int, keep: Path | None) -> None:
    """Train what is missing, and print."""
    lines = keep.read_text().splitlines() if keep and keep.exists() else []
    scores = [row for line in lines for row in json.loads(line)]
    dataset = load_dataset("digits")
    with TemporaryDirectory() as folder:
        evaluator = Evaluator(dataset, load_reference(dataset, Path(folder)), NUM_SAMPLES, ["fid"])
    for seed in range(seeds):
        if seed in {row["seed"] for row in scores}:
            continue
        scores += (rows := list(scores_of(CONFIG.replace(seed=seed), evaluator)))
        if keep:
            with keep.open("a") as file:
                file.write(json.dumps(rows) + "\n")
    _print(summarise(pd.DataFrame(scores)))


def _print(frame: pd.DataFrame) -> None:
    columns = ("level", "spread over seeds", "within a trial", "sampling")
    table = Table("horizon", "outcome", "seeds", *columns, title="log fid: standard deviations")
    for _, row in frame.iterrows():
        spread = f"{row['spread']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        sizes = (f"{row['level']:.2f}", spread, f"{row['within']:.3f}", f"{row['error']:.3f}")
        table.add_row(f"{row['horizon']:g}", row["outcome"], f"{row['n']}", *sizes)
    Console().print(table)


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.outcomes")
    parser.add_argument("--seeds", type=int, default=8, help="seeds, from 0")
    parser.add_argument("--keep", type=Path, help="a file of JSON lines to go on from")
    return parser.parse_args(given)


if __name__ == "__main__":
    main(**vars(_arguments()))
