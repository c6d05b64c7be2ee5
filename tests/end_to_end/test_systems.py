"""``python -m harness.trial --smoke`` for every architecture with every procedure.

The first tier has the largest in tests/cli/test_trial.py, ``tutorial`` in test_study.py, and a step
of each in the contracts.
"""

import itertools

import pytest

from harness.core.errors import InputError
from harness.core.registry import ARCHITECTURES, PROCEDURES
from harness.trial import trial

PAIRS = list(itertools.product(ARCHITECTURES.names(), PROCEDURES.names()))


@pytest.fixture(autouse=True)
def _own_stores(layout, monkeypatch):
    monkeypatch.setenv("HARNESS_MLRUNS", str(layout.root))


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "procedure"), PAIRS)
def test_every_system_trains_and_is_scored(architecture, procedure):
    settings = [f"architecture={architecture}", f"procedure={procedure}"]
    assert trial(settings=settings, smoke=True) == 0  # what ends without a score gives 1


@pytest.mark.parametrize(
    ("setting", "refusal"),
    [
        ("downsampling=pooled", "does not support downsampling = 'pooled'; allowed: strided"),
        ("head=gap", "does not support head = 'gap'; allowed: dense"),
    ],
)
def test_what_an_architecture_cannot_build_is_refused(setting, refusal):
    with pytest.raises(InputError, match=f"architecture mlp {refusal}"):
        trial(settings=["architecture=mlp", setting], smoke=True)
