import pytest

from harness.core.config import TrialConfig
from tests.benchmarks import averaging


def test_what_is_compared_takes_turns_there_and_back(monkeypatch):
    # The warm-up takes 9 each; then 2 and 1, 6 and 3, 7 and 4.
    readings = iter([reading for end in (9, 9, 2, 1, 6, 3, 7, 4) for reading in (0, end)])
    monkeypatch.setattr(averaging.time, "process_time", lambda: next(readings))
    order = []
    work = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    assert averaging.in_turn(work, rounds=3) == {"a": 3, "b": 4}
    assert order == ["b", "a", "a", "b", "b", "a", "a", "b"]


@pytest.mark.slow
def test_step_average_and_report_are_measured():
    config = TrialConfig(width=0.0625, batch_size=16, images=10**4)
    steps = averaging.step(config, 10, rounds=1)
    assert list(steps) == ["ema 0", "ema 0.1"]
    found = [*steps.values(), *averaging.report(config, 100, rounds=1).values()]
    assert len(found) == 5
    assert min(*found, averaging.update(0.0625, 50, rounds=1)) > 0
