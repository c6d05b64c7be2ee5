import pytest

from harness.core.registry import ARCHITECTURES
from tests.benchmarks import systems


@pytest.mark.slow
def test_every_architecture_is_measured():
    rows = systems.run(images=64, rounds=1, width=0.0625)
    assert sorted(row.architecture for row in rows) == ARCHITECTURES.names()
    assert all(row.seconds.cpu > 0 for row in rows)
    assert systems.table(rows, 0.0625).row_count == len(rows)
