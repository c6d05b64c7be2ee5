from harness.core.config import TrialConfig
from harness.data.load import load_dataset
from tests.benchmarks.training import LOOPS, rates


def test_both_loops_train_and_are_timed():
    cheap = {"architecture": "mlp", "normalization": "none", "optimizer": "sgd"}
    config = TrialConfig(**cheap, width=0.0625, batch_size=16, images=10**6)
    measured = rates(config, load_dataset("digits"), images=64, rounds=1)
    assert set(measured) == set(LOOPS)
    assert all(rate > 0 for rate in measured.values())
