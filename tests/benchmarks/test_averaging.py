import pytest

from harness.core.config import TrialConfig
from tests.benchmarks import averaging


@pytest.mark.slow
def test_step_average_and_report_are_measured():
    config = TrialConfig(width=0.0625, batch_size=16, images=10**4)
    steps = averaging.step(config, 10, rounds=1)
    assert list(steps) == ["ema 0", "ema 0.1"]
    found = [*steps.values(), *averaging.report(config, 100, rounds=1).values()]
    assert len(found) == 5
    assert min(*found, averaging.update(0.0625, 50, rounds=1)) > 0
