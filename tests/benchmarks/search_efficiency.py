"""Searches repeated on a table of trained configurations: what finds a good one for fewest images.

``python -m tests.benchmarks.search_efficiency reports/search_efficiency`` repeats searches on the
folder's ``table.jsonl`` (see search_table.py), writes ``curves.csv``, ``summary.csv`` and
``curves.svg`` beside it, and prints the summary. Some minutes of a core.

The searches are those of the project: its sampler, its pruners, its milestones. A trial scores what
the table says, times noise as it was measured on the digits: a factor for its seed and one for each
report. What a search has found is judged by the table's value of the configuration that it holds
for the best, without that noise.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import optuna
import pandas as pd
import seaborn as sns
from rich.console import Console
from rich.table import Table

from harness.core.schema import FID_LATE
from harness.core.spec.study_spec import StudySpec
from harness.outcomes.late import late_scores
from harness.search.study.sampler import DistinctSampler, make_pruner
from harness.search.study.space import distributions
from tests.benchmarks.search_table import (
    BASE,
    IMAGES,
    OPTIMIZERS,
    RATES,
    SCALINGS,
    SLOPES,
    SearchTable,
    read_table,
)

SEED_SPREAD, REPORT_SPREAD = 0.066, 0.036
"""Standard deviations of log fid over seeds and between reports, with ema (docs/outcomes.md)."""

FULL_TRIALS = 36
"""The budget of every search: the training images of so many whole trials."""

SPACE = {
    "optimizer": {"choices": list(OPTIMIZERS)},
    "learning_rate": {"low": RATES[0], "high": RATES[-1], "log": True},
    "leaky_slope": {"low": SLOPES[0], "high": SLOPES[-1]},
    "pixel_scaling": {"choices": list(SCALINGS)},
}


class Strategy(NamedTuple):
    """How the space is searched: the values of these keys of ``[search]``.

    startup: how many trials TPE draws at random first; None for the sampler's own default.
    """

    sampler: str
    pruner: str
    reports: int
    startup: int | None = None

    def __str__(self) -> str:
        startup = "" if self.startup is None else f", {self.startup} at random first"
        return f"{self.sampler}{startup}, {self.pruner}, {self.reports} reports"


PLAIN = Strategy("random", "none", 5)
STRATEGIES = (
    PLAIN,
    Strategy("random", "median", 9),
    Strategy("random", "hyperband", 9),
    Strategy("tpe", "none", 5, 10),
    Strategy("tpe", "none", 5),
    Strategy("tpe", "median", 5),
    Strategy("tpe", "median", 9),
    Strategy("tpe", "median", 15),
    Strategy("tpe", "hyperband", 9),
)
TRIALS_OF_TARGET = (12, 24)
"""After how many whole trials of plain random search its median best is the target."""


def search(table: SearchTable, strategy: Strategy, seed: int) -> pd.DataFrame:
    """One search until its budget is used up: images, true, one row per trial that ended.

    images: all that was trained so far, whole trials and parts. true: the table's fid of the
    configuration with the lowest noisy ``fid_late`` among the trials that ran to their end; NaN
    before the first of them.
    """
    spec = StudySpec.from_dict(
        {
            "name": "table",
            "question": "What finds a good configuration for the fewest images?",
            "base": {**BASE, "images": IMAGES},
            "space": SPACE,
            "search": {
                "sampler": strategy.sampler,
                "pruner": strategy.pruner,
                "reports": strategy.reports,
                "seed": seed,
                "num_trials": 1_000,
            },
        }
    )
    rng = np.random.default_rng(seed)
    space = distributions(spec)
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(), pruner=make_pruner(spec), study_name=f"s{seed}"
    )
    study.sampler = DistinctSampler(study, space, strategy.sampler, seed, strategy.startup)
    milestones = spec.milestones(IMAGES)
    used, best, true, rows = 0, math.inf, math.nan, []
    while used < FULL_TRIALS * IMAGES:
        trial = study.ask(space)
        course = table.course(trial.params)
        factor = float(np.exp(rng.normal(0.0, SEED_SPREAD)))
        seen: list[tuple[int, float]] = []
        state = optuna.trial.TrialState.COMPLETE
        for milestone in milestones:
            if course.diverged_at is not None and milestone > course.diverged_at:
                used, state = used + course.diverged_at, optuna.trial.TrialState.FAIL
                break
            noise = factor * float(np.exp(rng.normal(0.0, REPORT_SPREAD)))
            seen.append((milestone, course.at(milestone) * noise))
            value = late_scores(seen, IMAGES)[FID_LATE]
            trial.report(value, milestone)
            if trial.should_prune():
                used, state = used + milestone, optuna.trial.TrialState.PRUNED
                break
        if state == optuna.trial.TrialState.COMPLETE:
            used += IMAGES
            if value < best:
                best, true = value, course.late(milestones)
            study.tell(trial, value)
        else:
            study.tell(trial, state=state)
        rows.append({"images": used, "true": true})
    return pd.DataFrame(rows)


def found_by(curve: pd.DataFrame, images: Sequence[int]) -> list[float]:
    """What a search holds after each number of ``images``; infinity before a first whole trial."""
    held = [math.inf, *curve["true"].fillna(math.inf)]
    return [held[place] for place in np.searchsorted(curve["images"], images, side="right")]


def images_until(curve: pd.DataFrame, target: float) -> float:
    """The images after which a search holds ``target`` or less; infinity if it never does."""
    reached = curve[curve["true"] <= target]
    return float(reached["images"].iloc[0]) if len(reached) else math.inf


def median_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """An interval of the median, by order statistics: exact for any distribution, at least so wide.

    The k-th smallest and k-th largest value, with the largest k at which a Binomial(n, 1/2) lies
    below k with probability at most (1 - confidence) / 2; the ends are infinite if there is none.
    """
    ordered, n = sorted(values), len(values)
    below, k = 0.0, 0
    while (below := below + math.comb(n, k) / 2**n) <= (1.0 - confidence) / 2.0:
        k += 1
    return (ordered[k - 1], ordered[n - k]) if k else (-math.inf, math.inf)


def summarise(curves: dict[Strategy, list[pd.DataFrame]]) -> pd.DataFrame:
    """One row per strategy and target: median, low, high of the images until it; ratio to plain.

    ratio: of the medians, low and high by those of the strategy over plain's median.
    """
    rows = []
    for trials in TRIALS_OF_TARGET:
        held = [found_by(curve, [trials * IMAGES])[0] for curve in curves[PLAIN]]
        target = float(np.median(held))
        plain = float(np.median([images_until(curve, target) for curve in curves[PLAIN]]))
        for strategy, repeated in curves.items():
            needed = [images_until(curve, target) for curve in repeated]
            low, high = median_interval(needed)
            middle = float(np.median(needed))
            row = {"trials": trials, "target": target, "strategy": str(strategy)}
            row |= {"repetitions": len(needed), "images": middle, "low": low, "high": high}
            row |= {"ratio": middle / plain, "ratio_low": low / plain, "ratio_high": high / plain}
            rows.append(row)
    return pd.DataFrame(rows)


def main(folder: Path, repetitions: int) -> None:
    """Repeat the searches on the table in ``folder``; write there and print."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = SearchTable(read_table(folder / "table.jsonl"))
    curves = {
        strategy: [search(table, strategy, seed) for seed in range(repetitions)]
        for strategy in STRATEGIES
    }
    frame = pd.DataFrame(_points(curves))
    frame.to_csv(folder / "curves.csv", index=False, float_format="%.5g")
    summary = summarise(curves)
    summary.to_csv(folder / "summary.csv", index=False, float_format="%.5g")
    _draw(frame, folder / "curves.svg")
    shown = Table("target: random after", "search", "whole trials' images until it", "of random's")
    for _, row in summary.iterrows():
        counts = [row[name] / IMAGES for name in ("images", "low", "high")]
        ratios = [row[name] for name in ("ratio", "ratio_low", "ratio_high")]
        shown.add_row(
            f"{row['trials']} trials (fid {row['target']:.2f})",
            row["strategy"],
            "{:.1f} ({:.1f} to {:.1f})".format(*counts),
            "{:.2f} ({:.2f} to {:.2f})".format(*ratios),
        )
    Console().print(shown)


def _points(curves: dict[Strategy, list[pd.DataFrame]]) -> Iterator[dict[str, Any]]:
    budgets = [count * IMAGES for count in range(1, FULL_TRIALS + 1)]
    for strategy, repeated in curves.items():
        held = np.array([found_by(curve, budgets) for curve in repeated])
        for place, budget in enumerate(budgets):
            low, high = median_interval(list(held[:, place]))
            row = {"strategy": str(strategy), "trials": budget // IMAGES}
            yield {**row, "fid": float(np.median(held[:, place])), "low": low, "high": high}


def _draw(frame: pd.DataFrame, path: Path) -> None:
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    matplotlib.rcParams.update({"svg.hashsalt": "search_efficiency", "svg.fonttype": "none"})
    with sns.axes_style("whitegrid"):
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    shown = frame[np.isfinite(frame["fid"])]
    sns.lineplot(shown, x="trials", y="fid", hue="strategy", style="strategy", ax=axes)
    axes.set(
        yscale="log",
        xlabel=f"training images, in whole trials of {IMAGES:,}",
        ylabel="fid of the best held (median)",
    )
    axes.legend(title=None)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search_efficiency")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repetitions", type=int, default=200)
    main(**vars(parser.parse_args()))
