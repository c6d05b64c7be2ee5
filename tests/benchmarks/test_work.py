import pytest

from harness.core.config import TrialConfig
from harness.models.networks import build_networks
from tests.benchmarks.work import layers_work, step_work, total

WIDTH_1 = TrialConfig(images=10**6)
# The tutorial's networks, 5x5 kernels: 1,254,400 = 100 * 12,544 of the dense layer; 7x7 places of
# 256 to 128 and of 128 to 64 channels, 14x14 of 64 to 1; the discriminator backwards the same, and
# 6,272 of its dense layer.
DENSE, UNSTRIDED, SECOND, IMAGE, HEAD = 1_254_400, 40_140_800, 10_035_200, 313_600, 6_272


@pytest.fixture(scope="module")
def networks():
    return build_networks(WIDTH_1, (28, 28, 1), 10)


def test_the_layers_of_the_tutorial_do_every_tap_at_every_place(networks):
    generator, discriminator = (layers_work(network) for network in networks)
    assert [one.nominal for one in generator] == [DENSE, UNSTRIDED, SECOND, IMAGE]
    assert [one.nominal for one in discriminator] == [IMAGE, SECOND, HEAD]


def test_taps_on_padding_are_not_useful(networks):
    """A row of 7, kernel 5: 3 + 4 + 5 + 5 + 5 + 4 + 3 of 35 taps lie inside.

    14 places with stride 2 have 1 place of padding before and 2 behind: 1 + 2 of 35 taps; 28 the
    same, of 70.
    """
    generator, discriminator = (layers_work(network) for network in networks)
    shares = [29**2 / 35**2, 32**2 / 35**2, 67**2 / 70**2]
    found = [one.useful / one.nominal for one in (*generator, *discriminator)]
    assert found == pytest.approx([1.0, *shares, shares[2], shares[1], 1.0])


def test_a_step_counts_the_passes_of_its_procedure(networks):
    """226 million nominal and 171 million useful an image; the others pass both once more."""
    simultaneous = step_work(networks, "simultaneous")
    assert simultaneous.nominal == 3 * (DENSE + UNSTRIDED + SECOND + IMAGE) - DENSE + (
        7 * (IMAGE + SECOND + HEAD) - 2 * IMAGE
    )
    assert round(simultaneous.nominal / 1e6) == 226
    assert round(simultaneous.useful / 1e6) == 171
    more = total([total(layers_work(network)) for network in networks])
    for procedure in ("alternating", "stacked"):
        found = step_work(networks, procedure)
        assert found == total([simultaneous, more])
