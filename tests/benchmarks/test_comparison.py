import json

import numpy as np
import pytest

from harness.core.config import TrialConfig
from harness.data.load import load_dataset
from harness.models.networks import build_networks
from tests.benchmarks.comparison import Comparison, Row, Size, record, table
from tests.benchmarks.peers import keras_fit, train_on_batch, tutorial
from tests.benchmarks.timing import Seconds
from tests.benchmarks.work import Work

TINY = Size(0.0625, 8, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [tutorial, *(one for one in (keras_fit, train_on_batch))],
)
def test_a_peer_trains_both_networks_of_the_tutorial(module):
    """They have as many parameters as ours, and a step moves all of them."""
    peer = module.make(load_dataset("digits").x_train, TINY.width, TINY.batch_size)
    config = TrialConfig(width=TINY.width, batch_size=TINY.batch_size)
    for theirs, ours in zip(peer.networks, build_networks(config, (28, 28, 1), 10), strict=True):
        assert theirs.count_params() == ours.count_params()
    before = [[v.numpy() for v in network.variables] for network in peer.networks]
    peer.train(1)
    for network, values in zip(peer.networks, before, strict=True):
        for variable, value in zip(network.variables, values, strict=True):
            assert not np.array_equal(variable.numpy(), value), variable.path


def test_ratios_are_to_our_loop_of_the_same_procedure():
    """Medians of 3 rounds: ours 2 and 4 seconds, theirs 5 and 6, of 40 multiply-adds."""
    rounds = {
        "ours, simultaneous": [(2, 3), (1, 4), (9, 9)],
        "ours, stacked": [(1, 1)] * 3,
        "the tutorial's loop": [(5, 6), (7, 7), (4, 5)],
        "train_on_batch": [(3, 3)] * 3,
    }
    rows = [
        Row(
            name,
            "stacked" if name in ("ours, stacked", "train_on_batch") else "simultaneous",
            [Seconds(*one) for one in found],
            Work(80, 40),
        )
        for name, found in rounds.items()
    ]
    found = Comparison(TINY, rows, [Seconds(1, 2)] * 3, 100, {"PyTorch": "torch is not installed"})
    assert found.rate == 50
    assert [found.times_ours(row) for row in rows] == [(1, 1), (1, 1), (2.5, 1.5), (3, 3)]
    cells = [list(column.cells) for column in table(found).columns]
    assert cells[1] == [
        "2,000.0",
        "1,000.0",
        "5,000.0",
        "3,000.0",
        "left out: torch is not installed",
    ]
    assert cells[4] == ["", "", "2.50", "3.00", ""]
    # 40 and 80 multiply-adds in 4, 1, 6 and 3 CPU seconds, of 50 a second.
    assert cells[6] == ["20%", "80%", "13%", "27%", ""]
    assert cells[7] == ["40%", "160%", "27%", "53%", ""]
    assert json.loads(json.dumps(record(found)))["loops"][2]["times_ours"] == {
        "wall": 2.5,
        "cpu": 1.5,
    }
