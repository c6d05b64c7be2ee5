import pytest

from harness.core.config import TrialConfig
from harness.models.convolution import Sizes
from tests.benchmarks import convolution
from tests.benchmarks.convolution import Layer


@pytest.mark.slow
def test_layer_and_step_are_measured(monkeypatch):
    monkeypatch.setattr(convolution, "MULTIPLY_ADDS", 1)
    config = TrialConfig(width=0.0625, batch_size=16, images=10**6)
    found = [convolution.step(config, 1, rounds=1)]
    for transposed, stride in ((True, 1), (True, 2), (False, 2)):
        made = Layer(transposed, Sizes((7, 7), (5, 5), stride, 4, 2), 3)
        found.append(convolution.layer(made, rounds=1))
    assert min(seconds for ratio in found for seconds in ratio) > 0


def test_a_layer_says_what_it_maps_to_what():
    sizes = Sizes((7, 7), (5, 5), 2, 128, 64)
    assert Layer(True, sizes, 64).words == ("7x7 to 14x14", "128 to 64", "64")
    assert Layer(False, sizes, 64).words == ("14x14 to 7x7", "64 to 128", "64")
