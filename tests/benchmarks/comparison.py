"""The training loop beside those of other people, and beside the rate of this machine's products.

``python -m tests.benchmarks.comparison [ROUNDS]`` prints a table for each size. All loops of a size
take turns in one process; medians of the rounds are compared. A share is the multiply-adds of a
step (``tests/benchmarks/work.py``) in a CPU second, of those in a CPU second of a product of
matrices.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from harness.core.config import TrialConfig
from harness.core.quiet_import import quiet_import

with quiet_import():
    import tensorflow as tf

    from harness.data.dataset import Dataset
    from harness.data.load import load_dataset
    from harness.models.networks import build_networks
    from tests.benchmarks.timing import Seconds, in_turn, median
    from tests.benchmarks.training import harness_loop
    from tests.benchmarks.work import Work, step_work


class Other(NamedTuple):
    """A peer: the procedure that does the same, its module in ``peers``, and its maker there."""

    procedure: str
    module: str
    maker: str = "make"


PEERS = {
    "the tutorial's loop": Other("simultaneous", "tutorial"),
    "Keras's fit": Other("simultaneous", "keras_fit"),
    "train_on_batch": Other("stacked", "train_on_batch"),
    "PyTorch": Other("alternating", "pytorch"),
    "PyTorch, bfloat16": Other("alternating", "pytorch", "make_bfloat16"),
}


class Size(NamedTuple):
    """What is trained: channels times ``width``, images in a batch; steps in a round."""

    width: float
    batch_size: int
    steps: int


SIZES = (Size(1.0, 256, 2), Size(0.25, 64, 32))
"""The publication's, and the quickstart's; a round takes seconds."""

PRODUCT = (2_048, 8)
"""Rows and columns of the matrices, float32, and how many products a round makes."""


WIDTH = 120
"""Columns of text that a table takes, also where the output is no terminal."""


class Row(NamedTuple):
    """One loop: the procedure, the seconds of each round, and the multiply-adds of a round."""

    name: str
    procedure: str
    rounds: list[Seconds]
    work: Work

    @property
    def ours(self) -> bool:
        """Whether this is our loop."""
        return self.name not in PEERS


class Comparison(NamedTuple):
    """The rows of one size; the rounds of products and the multiply-adds of one.

    skipped: name of a peer that cannot run here -> why.
    """

    size: Size
    rows: list[Row]
    product: list[Seconds]
    product_work: int
    skipped: dict[str, str]

    @property
    def rate(self) -> float:
        """Multiply-adds in a CPU second of products."""
        return self.product_work / median(self.product).cpu

    def times_ours(self, row: Row) -> Seconds:
        """The seconds of ``row`` over those of our loop that does the same, wall and CPU."""
        ours = next(one for one in self.rows if one.ours and one.procedure == row.procedure)
        pairs = zip(median(row.rounds), median(ours.rounds), strict=True)
        return Seconds(*(theirs / mine for theirs, mine in pairs))


def compare(
    size: Size, dataset: Dataset, rounds: int, product: tuple[int, int] = PRODUCT, **fields: Any
) -> Comparison:
    """All loops of ``size`` in turn; ``fields`` of the configuration of ours."""
    peers, skipped = _peers(size, dataset)
    procedures = dict.fromkeys(PEERS[name].procedure for name in peers)
    config = TrialConfig(width=size.width, batch_size=size.batch_size, images=10**9, **fields)
    configs = {f"ours, {one}": config.replace(procedure=one) for one in procedures}
    schedule = [size.steps * config.batch_size] * (1 + rounds)
    loops = {name: harness_loop(one, dataset, schedule) for name, one in configs.items()}
    ours = {name: lambda loop=loop: next(loop) for name, loop in loops.items()}
    found = in_turn({**ours, **peers, "product": _products(*product)}, rounds)

    networks = build_networks(config, dataset.image_shape, dataset.num_classes)
    rows = []
    for name in (*ours, *peers):
        procedure = PEERS[name].procedure if name in PEERS else configs[name].procedure
        work = step_work(networks, procedure).times(size.steps * size.batch_size)
        rows.append(Row(name, procedure, found[name], work))
    return Comparison(size, rows, found["product"], product[0] ** 3 * product[1], skipped)


def _peers(size: Size, dataset: Dataset) -> tuple[dict[str, Callable[[], object]], dict[str, str]]:
    """A round of every peer that can run here, and why the others cannot."""
    peers: dict[str, Callable[[], object]] = {}
    skipped = {}
    for name, other in PEERS.items():
        try:
            module = importlib.import_module(f"tests.benchmarks.peers.{other.module}")
        except ModuleNotFoundError as error:
            skipped[name] = f"{error.name} is not installed"
            continue
        peer = getattr(module, other.maker)(dataset.x_train, size.width, size.batch_size)
        peers[name] = lambda train=peer.train: train(size.steps)
    return peers, skipped


def _products(rows: int, count: int) -> Callable[[], object]:
    factors = tf.random.stateless_normal([rows, rows], (0, 0))
    return lambda: [tf.matmul(factors, factors)[0, 0].numpy() for _ in range(count)]


def table(found: Comparison) -> Table:
    """A row for each loop; ratios are to our loop that does the same."""
    size, rate = found.size, found.rate
    result = Table(
        *("loop", "ms a step", "CPU ms a step", "images/s", "times ours", "in CPU"),
        *("useful", "nominal"),
        title=f"Width {size.width:g}, batch {size.batch_size}; "
        f"products of matrices: {2e-9 * rate:,.0f} GFLOP a CPU second",
    )
    for row in found.rows:
        seconds, ratios = median(row.rounds), found.times_ours(row)
        result.add_row(
            row.name,
            *(f"{1e3 * one / size.steps:,.1f}" for one in seconds),
            f"{size.steps * size.batch_size / seconds.wall:,.0f}",
            *("" if row.ours else f"{ratio:.2f}" for ratio in ratios),
            *(f"{part / seconds.cpu / rate:.0%}" for part in (row.work.useful, row.work.nominal)),
        )
    for name, reason in found.skipped.items():
        result.add_row(name, f"left out: {reason}")
    return result


def record(found: Comparison) -> dict[str, Any]:
    """What was measured, in plain types, for JSON."""
    return {
        **found.size._asdict(),
        "product": {
            "rounds": [one._asdict() for one in found.product],
            "gflop_per_cpu_second": 2e-9 * found.rate,
        },
        "loops": [
            {
                "loop": row.name,
                "procedure": row.procedure,
                "rounds": [one._asdict() for one in row.rounds],
                "median": median(row.rounds)._asdict(),
                "times_ours": found.times_ours(row)._asdict(),
                "multiply_adds": row.work._asdict(),
            }
            for row in found.rows
        ],
        "skipped": found.skipped,
    }


def main(rounds: int = 5) -> list[Comparison]:
    """Measure and print; what was measured."""
    dataset = load_dataset("digits")
    comparisons = []
    for size in SIZES:
        comparisons.append(compare(size, dataset, rounds))
        Console(width=WIDTH).print(table(comparisons[-1]))
    return comparisons


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
