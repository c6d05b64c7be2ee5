import pytest

from harness.core.registry import LOSSES, PENALTIES
from tests.benchmarks import games


def test_everything_that_is_registered_is_measured():
    changed = {(name, value) for change in games.CHANGES for name, value in change.items()}
    assert {("loss", name) for name in LOSSES.names()} <= changed
    assert {("penalty", name) for name in PENALTIES.names()} <= changed


@pytest.mark.slow
def test_a_step_is_measured(monkeypatch):
    tiny = games.DEFAULT.replace(width=0.0625, batch_size=8, architecture="mlp")
    monkeypatch.setattr(games, "DEFAULT", tiny)
    assert min(games.measure({"penalty": "r1"}, rounds=1, steps=1)) > 0
