import pytest

from harness.core.config import TrialConfig
from tests.benchmarks import convolution


def test_what_is_compared_is_measured_in_turn_and_by_the_median(monkeypatch):
    # The warm-up takes 9 each; then 2, 3, 7 beside 1, 6, 4.
    ends = [9, 9, 2, 1, 3, 6, 7, 4]
    readings = iter([reading for end in ends for reading in (0, end)])
    monkeypatch.setattr(convolution.time, "process_time", lambda: next(readings))
    order = []
    work = {name: lambda name=name: order.append(name) for name in ("direct", "transform")}
    found = convolution.compare(work, rounds=3)
    assert found == (3, 4)
    assert found.times == 0.75
    assert order == ["direct", "transform"] * 4


@pytest.mark.slow
def test_layer_and_step_are_measured(monkeypatch):
    monkeypatch.setattr(convolution, "MULTIPLY_ADDS", 1)
    config = TrialConfig(width=0.0625, batch_size=16, images=10**6)
    found = [convolution.layer(7, 4, 2, 3, rounds=1), convolution.step(config, 1, rounds=1)]
    assert min(seconds for ratio in found for seconds in ratio) > 0
